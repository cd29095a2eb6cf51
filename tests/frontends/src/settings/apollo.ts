import { type FieldPolicy, InMemoryCache } from '@apollo/client';

type Page = { nodes?: unknown[] | undefined; edges?: unknown[] | undefined };

/** Joins the pages of a connection that `fetchMore` brings, whether a query asks for `nodes` or for `edges`. */
function connection(keyArgs: string[]): FieldPolicy<Record<string, Page>, Page, Page | undefined> {
  return {
    keyArgs,
    // Each page under the cursor that it follows: one that is fetched again takes its former place.
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
      // Without an id: what two queries ask for of them is kept together.
      Account: { merge: true },
      Reason: { merge: true },
      SendSummary: { merge: true },
      SyncState: { merge: true },
      UpstreamBudget: { merge: true },
    },
  });
