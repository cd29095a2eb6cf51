// Automatic persisted queries, and manifests of trusted documents that client tools generate.

import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';
import { persistedExchange } from '@urql/exchange-persisted';
import { GraphQLClient } from 'graphql-request';
import { Client, fetchExchange } from 'urql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { History, Latest } from './documents';
import apolloManifest from './generated/apollo-documents.json';
import codegenManifest from './generated/persisted-documents.json';
import { GUIDE, type Service, countingFetch, startService } from './service';

const sha256 = async (text: string) => createHash('sha256').update(text).digest('hex');
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let open: Service;
let apolloOnly: Service;
let codegenOnly: Service;

beforeAll(async () => {
  open = await startService();
  apolloOnly = await startService('--persisted-only', file('./generated/apollo-documents.json'));
  codegenOnly = await startService('--persisted-only', file('./generated/persisted-documents.json'));
});
afterAll(() => Promise.all([open, apolloOnly, codegenOnly].map((service) => service.stop())));

async function post(url: string, body: object) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] };
}

test('Apollo Client registers a query once and then sends only its hash', async () => {
  const fetch = countingFetch();
  const link = new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri: open.url, fetch }));
  const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
  const ask = () => apollo.query({ query: History, variables: { id: GUIDE }, fetchPolicy: 'no-cache' });
  expect((await ask()).data?.campaignActivity?.id).toBe(GUIDE);
  // The first request is rejected, and the second request registers the query.
  expect(fetch.seen.bodies.map((body) => 'query' in JSON.parse(body))).toEqual([false, true]);
  expect((await ask()).data?.campaignActivity?.id).toBe(GUIDE);
  expect('query' in JSON.parse(fetch.seen.bodies[2] ?? '')).toBe(false);
});

test('urql registers a query once and then sends only its hash', async () => {
  const fetch = countingFetch();
  const exchanges = [persistedExchange({ preferGetForPersistedQueries: false }), fetchExchange];
  const urql = new Client({ url: open.url, exchanges, fetch, preferGetMethod: false, requestPolicy: 'network-only' });
  for (const requests of [2, 3]) {
    const { data, error } = await urql.query(Latest, { ids: [GUIDE] }).toPromise();
    expect(error).toBeUndefined();
    expect(data?.campaignActivities[0]?.latestSend?.outcome).toBe('NO_RECIPIENTS');
    expect(fetch.seen.requests).toBe(requests);
  }
});

test("Apollo Client sends ids of its tool's manifest, and other queries are rejected", async () => {
  const fetch = countingFetch();
  const ids = generatePersistedQueryIdsFromManifest({ loadManifest: () => Promise.resolve(apolloManifest) });
  const link = new PersistedQueryLink(ids).concat(new HttpLink({ uri: apolloOnly.url, fetch }));
  const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
  const { data } = await apollo.query({ query: History, variables: { id: GUIDE } });
  expect(data?.campaignActivity?.sendHistory?.map((send) => send.outcome)).toEqual(['SENT', 'NO_RECIPIENTS']);
  expect(fetch.seen.bodies.map((body) => 'query' in JSON.parse(body))).toEqual([false]);
  const other = await post(apolloOnly.url, { query: '{ reasonCodes { code } }' });
  expect(other.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
});

test("documents of the code generator's manifest are served by their ids, and others are rejected", async () => {
  const [id] = Object.entries(codegenManifest).find(([, text]) => text.includes('query History')) ?? [];
  const answer = await post(codegenOnly.url, { documentId: id, variables: { id: GUIDE } });
  expect(answer).toMatchObject({ data: { campaignActivity: { id: GUIDE } } });
  const other = await post(codegenOnly.url, { query: '{ reasonCodes { code } }' });
  expect(other.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
});

test('a client may also send trusted documents as text', async () => {
  const text = Object.values(codegenManifest).find((one) => one.includes('query History')) ?? '';
  const client = new GraphQLClient(codegenOnly.url);
  const { campaignActivity } = await client.request<{ campaignActivity: { id: string } }>(text, { id: GUIDE });
  expect(campaignActivity.id).toBe(GUIDE);
});
