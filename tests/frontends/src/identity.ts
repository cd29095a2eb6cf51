// The type of the object that an `id` identifies, as documented in the guide for frontends.

/**
 * Returns the type of an object. The ids of campaigns, contact lists and segments start with their type; the id of a
 * send is the id of its activity and a number.
 */
export function typeOf(id: string): string {
  const [first = '', rest] = id.split(':');
  if (rest === undefined) return 'CampaignActivity';
  return ['Campaign', 'ContactList', 'Segment'].includes(first) ? first : 'Send';
}
