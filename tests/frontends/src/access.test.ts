// The header with the API key, and the report of stale data, in each client.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloClient, HttpLink, gql } from '@apollo/client';
import { GraphQLClient } from 'graphql-request';
import { Client, fetchExchange } from 'urql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from './service';
import { cache as apolloCache } from './settings/apollo';
import { relayEnvironment } from './settings/relay';
import { type StaleData, staleDataLink } from './settings/stale';
import { cache as urqlCache } from './settings/urql';

const KEY = 'a-key-of-the-tests-alone';
const QUERY = '{ campaigns(first: 1) { nodes { id name } } }';
const STALE: StaleData = { type: 'Campaign', fetchedAt: '2026-11-23T20:15:00.000Z', reason: 'UPSTREAM_UNAVAILABLE' };

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sends-keys-'));
  const file = join(folder, 'keys');
  writeFileSync(file, `${KEY}\n`);
  chmodSync(file, 0o600);
  service = await startService('--api-key-file', file);
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

/** Sends a request by Relay's network function. A response without data is a failure. */
const relay = (headers: Record<string, string>) =>
  new Promise<void>((resolve, reject) => {
    const operation = { name: 'Names', text: `query Names ${QUERY}`, cacheID: 'names', id: null, metadata: {}, operationKind: 'query' } as const;
    relayEnvironment(service.url, headers)
      .getNetwork()
      .execute(operation, {}, {})
      .subscribe({ next: (response) => ('data' in response && response.data ? resolve() : reject(response)), error: reject });
  });

/** Whether each client succeeds with these headers. */
const successes = async (headers: Record<string, string>) => {
  const apollo = new ApolloClient({ link: new HttpLink({ uri: service.url, headers }), cache: apolloCache() });
  const urql = new Client({ url: service.url, exchanges: [fetchExchange], fetchOptions: { headers }, preferGetMethod: false });
  const request = new GraphQLClient(service.url, { headers });
  const results = await Promise.allSettled([
    apollo.query({ query: gql(QUERY) }),
    urql.query(QUERY, {}).toPromise().then(({ error }) => error && Promise.reject(error)),
    request.request(QUERY),
    relay(headers),
  ]);
  return results.map(({ status }) => status === 'fulfilled');
};

test('requests with the key succeed in every client, and requests without it fail', async () => {
  expect(await successes({ 'X-API-Key': KEY })).toEqual([true, true, true, true]);
  expect(await successes({})).toEqual([false, false, false, false]);
});

/** A response with stale data, as documented in the guide for GraphQL over HTTP. */
const staleFetch: typeof fetch = async () => {
  const campaign = { __typename: 'Campaign', id: 'Campaign:1', name: 'Spring opening' };
  const campaigns = { __typename: 'CampaignConnection', nodes: [campaign] };
  const body = { data: { campaigns }, extensions: { upstream: { calls: 1, stale: [STALE] } } };
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
};

test('a link of Apollo Client reports stale data', async () => {
  const reports: unknown[] = [];
  const link = staleDataLink((stale, operation) => reports.push([operation, stale])).concat(
    new HttpLink({ uri: service.url, fetch: staleFetch }),
  );
  const apollo = new ApolloClient({ link, cache: apolloCache() });
  await apollo.query({ query: gql(`query Names ${QUERY}`) });
  expect(reports).toEqual([['Names', [STALE]]]);
});

test('a result of urql has the extensions, but not a result from its cache', async () => {
  const exchanges = [urqlCache(), fetchExchange];
  const urql = new Client({ url: service.url, exchanges, fetch: staleFetch, preferGetMethod: false });
  const stale = async () => (await urql.query(QUERY, {}).toPromise()).extensions?.['upstream']?.stale;
  expect(await stale()).toEqual([STALE]);
  expect(await stale()).toBeUndefined();
});

test('rawRequest of graphql-request returns the extensions', async () => {
  const { extensions } = await new GraphQLClient(service.url, { fetch: staleFetch }).rawRequest(QUERY);
  expect(extensions).toMatchObject({ upstream: { stale: [STALE] } });
});
