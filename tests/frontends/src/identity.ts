// The type of the object that an `id` identifies, as documented in the guide for frontends.

/** A campaign, a contact list and a segment say what they are, and a send is its activity's id and a number. */
export function typeOf(id: string): string {
  const [first = '', rest] = id.split(':');
  if (rest === undefined) return 'CampaignActivity';
  return ['Campaign', 'ContactList', 'Segment'].includes(first) ? first : 'Send';
}
