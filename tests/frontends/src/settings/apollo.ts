import { type FieldPolicy, InMemoryCache } from '@apollo/client';

type Page = { nodes?: unknown[]; edges?: unknown[]; pageInfo?: Record<string, unknown> };

/** Key of a page: the cursor that it follows or precedes. */
const keyOf = (args: Record<string, unknown> | null) =>
  args?.['after'] ? `after ${args['after']}` : args?.['before'] ? `before ${args['before']}` : 'start';

/** Policy that joins the pages of a connection, whether queries select `nodes` or `edges`. */
function connection(keyArgs: string[]): FieldPolicy<Record<string, Page>, Page, Page | undefined> {
  return {
    // Lists with different page sizes or directions are separate, because their pages have different boundaries.
    keyArgs: [...keyArgs, 'first', 'last'],
    merge(pages = {}, page, { args }) {
      const known = pages[keyOf(args)];
      const pageInfo = { ...known?.pageInfo, ...page.pageInfo };
      return { ...pages, [keyOf(args)]: { ...known, ...page, pageInfo } };
    },
    read(pages = {}, { args }) {
      const start = pages[keyOf(args)];
      // A query with a cursor of its own returns that page alone.
      if (!start || keyOf(args) !== 'start') return start;
      const joined = [start];
      let page: Page | undefined = start;
      while ((page = pages[`after ${page.pageInfo?.['endCursor']}`])) joined.push(page);
      page = start;
      while ((page = pages[`before ${page.pageInfo?.['startCursor']}`])) joined.unshift(page);
      const { endCursor, hasNextPage } = joined.at(-1)?.pageInfo ?? {};
      const result: Page = { ...start, pageInfo: { ...joined[0]?.pageInfo, endCursor, hasNextPage } };
      if (start.nodes) result.nodes = joined.flatMap((page) => page.nodes ?? []);
      if (start.edges) result.edges = joined.flatMap((page) => page.edges ?? []);
      return result;
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
