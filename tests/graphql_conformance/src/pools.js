// Values that the service recognises: ids of its objects, cursors and dates.

export async function gather(ask) {
  const { data } = await ask(`{
    campaigns(first: 40) { edges { cursor node { id campaignId activities { id } } } }
    sends(first: 30) { edges { cursor node { id activity { id } contactListIds segmentIds contactLists { id } segments { id } } } }
  }`);
  const unique = (items) => [...new Set(items)];
  const few = (items, count) => unique(items).slice(0, count);
  const campaigns = data.campaigns.edges.map(({ node }) => node);
  const sends = data.sends.edges.map(({ node }) => node);
  const showcase = Array.from({ length: 24 }, (_, index) => `feed0000-0000-4000-8000-0000000000${String(index).padStart(2, '0')}`);
  const unknown = '00000000-0000-4000-8000-000000000000';
  const activities = [
    '1ead98be-dfa0-4e04-81f7-5f1534d42e9c',
    ...showcase,
    ...few(sends.map((send) => send.activity.id), 8),
    ...few(campaigns.flatMap((campaign) => (campaign.activities ?? []).map((activity) => activity.id)), 8),
    unknown,
    'x',
  ];
  const campaignIds = [...few(campaigns.map((campaign) => campaign.campaignId), 8), ...few(campaigns.map((campaign) => campaign.id), 4), unknown, 'x'];
  const lists = few(sends.flatMap((send) => send.contactLists.map((list) => list.id)), 4);
  const segments = few(sends.flatMap((send) => send.segments.map((segment) => segment.id)), 4);
  const objects = [
    ...few(activities, 10),
    ...few(sends.map((send) => send.id), 8),
    ...few(campaigns.map((campaign) => campaign.id), 4),
    ...lists,
    ...segments,
    unknown,
    'x',
  ];
  const cursors = (edges) => few(edges.map((edge) => edge.cursor), 4);
  const histories = await ask(`{ campaignActivities(ids: ${JSON.stringify(activities.slice(0, 20))}) { sendHistoryConnection { edges { cursor } } } }`);
  const historyCursors = histories.data.campaignActivities.flatMap((activity) => cursors(activity?.sendHistoryConnection?.edges ?? []));
  const allCursors = [...few(historyCursors, 4), ...cursors(data.sends.edges), ...cursors(data.campaigns.edges), 'x'];
  return {
    dates: ['2024-01-01T00:00:00Z', '2025-06-01T12:00:00.000+02:00', '2026-05-01T00:00:00Z', '2010-01-01T00:00:00Z'],
    ids: {
      any: objects,
      ids: objects,
      id: objects,
      activityIds: activities,
      campaignIds,
      contactListIds: [...lists, 'x'],
      segmentIds: [...segments, 'x'],
      campaignActivity: activities,
      campaignActivities: activities,
      campaign: campaignIds,
    },
    texts: {
      after: allCursors,
      before: allCursors,
      zone: ['UTC', 'ACCOUNT', 'UTC', 'ACCOUNT', 'Europe/Berlin', 'US/Eastern', 'Nowhere/Else'],
      campaignName: ['a', 'news', '', 'Ü'],
    },
  };
}
