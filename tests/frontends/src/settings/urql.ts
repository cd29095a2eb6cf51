import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

/** The types without an id, which belong to the object that they stand in. */
const embedded = [
  'Account', 'Bounces', 'CampaignConnection', 'CampaignEdge', 'EngagementStats', 'LogCoverage', 'LoggedSendConnection',
  'LoggedSendEdge', 'OutcomeCount', 'PageInfo', 'Reason', 'SendConnection', 'SendEdge', 'SendSummary', 'SendTotal',
  'SendTotalGroup', 'SendTotals', 'SyncState', 'Unreadable', 'UpstreamBudget',
];

export const cache = () =>
  cacheExchange({
    keys: Object.fromEntries(embedded.map((type) => [type, () => null])),
    resolvers: {
      CampaignActivity: { sendHistoryConnection: relayPagination() },
      Query: { campaigns: relayPagination(), sends: relayPagination() },
    },
  });
