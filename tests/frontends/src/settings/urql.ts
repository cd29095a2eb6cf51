import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

/** The types without an id, which belong to the object that they stand in. */
const embedded = [
  'Account', 'Bounces', 'CalendarPeriod', 'CampaignConnection', 'CampaignEdge', 'EngagementStats', 'LogCoverage',
  'OutcomeCount', 'PageInfo', 'Reason', 'SendConnection', 'SendEdge', 'SendSummary', 'SendTotal', 'SendTotalGroup',
  'SendTotals', 'SyncState', 'UnreadableResource', 'UpstreamBudget',
];

export const cache = () =>
  cacheExchange({
    keys: Object.fromEntries(embedded.map((type) => [type, () => null])),
    resolvers: {
      CampaignActivity: { sendHistoryConnection: relayPagination() },
      Query: { campaigns: relayPagination(), sends: relayPagination() },
    },
  });
