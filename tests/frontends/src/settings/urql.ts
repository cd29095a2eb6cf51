import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

/** Types without an id, which are stored with their parent object. */
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
