import { type FieldPolicy, InMemoryCache } from '@apollo/client';

type Page = { nodes?: unknown[] | undefined; edges?: unknown[] | undefined };

/** Joins the pages of a connection that `fetchMore` returns, for queries with `nodes` or `edges`. */
function connection(keyArgs: string[]): FieldPolicy<Record<string, Page>, Page, Page | undefined> {
  return {
    keyArgs,
    // Pages are stored by the cursor that they follow, so that a repeated page replaces itself.
    merge: (pages, page, { args }) =>
      args?.['after'] ? { ...pages, [`after ${args['after']}`]: page } : { first: page },
    read(pages) {
      const all = Object.values(pages ?? {});
      const joined = (name: 'nodes' | 'edges') =>
        all.every((page) => page[name]) ? all.flatMap((page) => page[name]) : undefined;
      return all.length > 0 ? { ...all.at(-1), nodes: joined('nodes'), edges: joined('edges') } : undefined;
    },
  };
}

export const cache = () =>
  new InMemoryCache({
    possibleTypes: { Node: ['Campaign', 'CampaignActivity', 'ContactList', 'Segment', 'Send'] },
    typePolicies: {
      CampaignActivity: { fields: { sendHistoryConnection: connection(['filter', 'orderBy']) } },
      Query: {
        fields: {
          campaigns: connection(['filter']),
          sends: connection(['filter', 'orderBy']),
        },
      },
      // These types have no id. The fields that different queries select are merged.
      Account: { merge: true },
      Reason: { merge: true },
      SendSummary: { merge: true },
      SyncState: { merge: true },
      UpstreamBudget: { merge: true },
    },
  });
