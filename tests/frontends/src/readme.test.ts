// Cache settings of the guide for frontends with the documented queries, and Apollo's defaults with an ordinary query.

import { readFileSync } from 'node:fs';
import { ApolloClient, type DocumentNode, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Client, fetchExchange } from 'urql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Service, startSandbox } from './service';
import { cache as apolloCache } from './settings/apollo';
import { FailedSends, needsAttention } from './settings/failed-sends';
import { cache as urqlCache } from './settings/urql';

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const guides = '../../../crates/sends-graphql/docs';
const frontends = text(`${guides}/frontends.md`);
const documents = [text('../../../README.md'), frontends, text(`${guides}/send-log.md`)];
const CAMPAIGNS = `{
  campaigns(first: 3) {
    nodes {
      id name status
      activities(roles: [PRIMARY_EMAIL]) { id latestSend { id runDate outcome contactLists { id name } segments { id name } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;
const documented = documents.flatMap((document) =>
  [...document.matchAll(/^```graphql\n([^]*?)^```/gm)].map(([, query = '']) => query),
);
const queries = [...documented, CAMPAIGNS];

let service: Service;
beforeAll(async () => {
  service = await startSandbox();
});
afterAll(() => service.stop());

// Caches report missing settings on the console.
let reports: unknown[];
beforeEach(() => {
  reports = [];
  for (const method of ['warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void reports.push(words));
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(reports).toEqual([]);
});

const apollo = (cache = apolloCache()) => new ApolloClient({ link: new HttpLink({ uri: service.url }), cache });
const urql = () => new Client({ url: service.url, exchanges: [urqlCache(), fetchExchange], preferGetMethod: false });

/** Returns the response of the service without a client cache. */
async function plain(query: string) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(service.url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

/** Removes the `__typename` fields that caches add to queries. */
const withoutTypes = (data: unknown): unknown =>
  JSON.parse(JSON.stringify(data, (key, value: unknown) => (key === '__typename' ? undefined : value)));

test('the guide contains the tested settings', () => {
  expect(documented.length).toBeGreaterThanOrEqual(2);
  for (const file of ['apollo', 'urql', 'relay', 'stale', 'failed-sends']) {
    expect(frontends.includes(text(`./settings/${file}.ts`).trim()), file).toBe(true);
  }
  const [, codegen = ''] = /^```yaml\n([^]*?)^```/m.exec(frontends) ?? [];
  const settings = (yaml: string) => yaml.slice(yaml.indexOf('generates:')).trim();
  expect(settings(text('../codegen.yml'))).toBe(settings(codegen));
});

test.each(queries)("Apollo's cache returns the response: %s", async (query) => {
  const client = apollo();
  const { data } = await client.query({ query: gql(query) });
  expect(withoutTypes(data)).toEqual(await plain(query));
  expect(withoutTypes(client.readQuery({ query: gql(query) }))).toEqual(withoutTypes(data));
});

test.each(queries)("urql's cache returns the response: %s", async (query) => {
  const { data, error } = await urql().query(query, {}).toPromise();
  expect(error).toBeUndefined();
  expect(withoutTypes(data)).toEqual(await plain(query));
});

test('successive queries in one cache do not affect each other', async () => {
  const client = apollo();
  for (const query of queries) await client.query({ query: gql(query) });
  for (const query of queries) {
    expect(withoutTypes(client.readQuery({ query: gql(query) }))).toEqual(await plain(query));
  }
});

const INFO = 'pageInfo { hasNextPage endCursor }';
const paged: Record<string, { query: DocumentNode; all: string; of: (data: any) => any }> = {};
for (const [shape, selection] of Object.entries({
  nodes: 'nodes { id }',
  edges: 'edges { cursor node { id } }',
  'nodes and edges': 'nodes { id } edges { node { id } }',
})) {
  for (const field of ['campaigns', 'sends']) {
    paged[`${field}, ${shape}`] = {
      query: gql(`query Page($after: String) { ${field}(first: 4, after: $after) { ${selection} ${INFO} } }`),
      all: `{ ${field}(first: 12) { ${selection} ${INFO} } }`,
      of: (data) => data?.[field],
    };
  }
}

describe.each(Object.entries(paged))('pages of %s', (_, { query, all, of }) => {
  test("Apollo's fetchMore joins pages, including a repeated one", async () => {
    const pages = apollo().watchQuery({ query });
    const shown = () => of(pages.getCurrentResult().data);
    const subscription = pages.subscribe(() => {});
    await expect.poll(() => shown()?.pageInfo.endCursor).toBeTruthy();
    const first = shown().pageInfo.endCursor as string;
    await pages.fetchMore({ variables: { after: first } });
    await expect.poll(() => shown().pageInfo.endCursor).not.toBe(first);
    await pages.fetchMore({ variables: { after: first } });
    await pages.fetchMore({ variables: { after: shown().pageInfo.endCursor } });
    const expected = of(await plain(all));
    await expect.poll(() => withoutTypes(shown())).toEqual(expected);
    subscription.unsubscribe();
  });

  test("urql's relayPagination joins pages", async () => {
    const client = urql();
    let after: string | undefined;
    let data: unknown;
    for (let page = 0; page < 3; page += 1) {
      const answer = await client.query(query, { after }).toPromise();
      expect(answer.error).toBeUndefined();
      data = of(answer.data);
      after = of(answer.data).pageInfo.endCursor;
    }
    const expected = of(await plain(all)) as Record<string, unknown>;
    expect(withoutTypes(data)).toEqual(expected);
  });
});

test("an ordinary query of a frontend works with Apollo's defaults", async () => {
  const query = gql`
    query Newsletters {
      campaigns(first: 50) {
        nodes {
          id
          name
          status
          activities {
            id
            role
            subject
            sendHistory {
              id
              runDate
              count
              outcome
              reason {
                code
                description
                remedy
              }
              contactLists {
                id
                name
              }
              segments {
                id
                name
              }
            }
            stats {
              sends
              opens
              clicks
            }
          }
        }
      }
    }
  `;
  const { data } = await apollo(new InMemoryCache()).query<{ campaigns: { nodes: { activities: unknown[] }[] } }>({ query });
  expect(data?.campaigns.nodes.length).toBeGreaterThan(10);
  expect(data?.campaigns.nodes.every(({ activities }) => activities.length > 0)).toBe(true);
});

test('the example for failed sends finds the emails that need attention', async () => {
  const client = apollo();
  const pages = client.watchQuery({ query: FailedSends });
  const shown = () => {
    const { data } = pages.getCurrentResult();
    return data && 'sends' in data ? data.sends : undefined;
  };
  const subscription = pages.subscribe(() => {});
  await expect.poll(() => shown()?.nodes?.length).toBe(10);
  await pages.fetchMore({ variables: { after: shown()?.pageInfo?.endCursor } });
  await expect.poll(() => shown()?.pageInfo?.hasNextPage).toBe(false);
  const sends = client.readQuery({ query: FailedSends })?.sends?.nodes ?? [];
  expect(sends.length).toBeGreaterThan(10);
  const outcomes = sends.filter(needsAttention).map((send) => send.outcome);
  expect(outcomes).toEqual(['FAILED', 'FAILED', 'PARTIALLY_SENT', 'FAILED']);
  subscription.unsubscribe();
});
