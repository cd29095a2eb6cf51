// Apollo Client 4: normalised cache, error policies and pagination.

import { ApolloClient, CombinedGraphQLErrors, HttpLink, type NormalizedCacheObject } from '@apollo/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CampaignById, Campaigns, History, Latest, Page, SendById } from './documents';
import { typeOf } from './identity';
import { GUIDE, type Service, HUGE, UNKNOWN, WEEKLY, countingFetch, startService } from './service';
import { cache as readmeCache } from './settings/apollo';

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

function cache() {
  const cache = readmeCache();
  cache.policies.addTypePolicies({
    Query: {
      fields: {
        node: (known, { args, toReference }) => {
          const id = String(args?.['id']);
          return known ?? toReference({ __typename: typeOf(id), id });
        },
      },
    },
  });
  return cache;
}

function client() {
  const fetch = countingFetch();
  const link = new HttpLink({ uri: service.url, fetch });
  return { apollo: new ApolloClient({ link, cache: cache() }), seen: fetch.seen };
}

test('a query returns the generated types', async () => {
  const { apollo } = client();
  const { data } = await apollo.query({ query: History, variables: { id: GUIDE } });
  expect(data?.campaignActivity?.sendHistory?.map((send) => send.outcome)).toEqual(['SENT', 'NO_RECIPIENTS']);
});

test('activities and sends are cached under their own ids', async () => {
  const { apollo } = client();
  await apollo.query({ query: History, variables: { id: GUIDE } });
  await apollo.query({ query: History, variables: { id: WEEKLY } });
  const cached = apollo.cache.extract() as NormalizedCacheObject;
  expect(Object.keys(cached)).toEqual(
    expect.arrayContaining([`CampaignActivity:${GUIDE}`, `Send:${GUIDE}:1`, `Send:${WEEKLY}:1`]),
  );
  // All forty-two sends are cached, although some have the same `sendId`.
  expect(Object.keys(cached).filter((key) => key.startsWith('Send:'))).toHaveLength(42);
});

test('a send on two paths is one object, and a query by its id costs no request', async () => {
  const { apollo, seen } = client();
  await apollo.query({ query: Latest, variables: { ids: [GUIDE] } });
  await apollo.query({ query: History, variables: { id: GUIDE } });
  expect(seen.requests).toBe(2);
  const { data } = await apollo.query({ query: SendById, variables: { id: `${GUIDE}:2` } });
  expect(data?.node).toMatchObject({ __typename: 'Send', sendId: 2, outcome: 'NO_RECIPIENTS' });
  expect(seen.requests).toBe(2);

  apollo.cache.modify({ id: `Send:${GUIDE}:2`, fields: { count: () => 99 } });
  const latest = apollo.readQuery({ query: Latest, variables: { ids: [GUIDE] } });
  const history = apollo.readQuery({ query: History, variables: { id: GUIDE } });
  expect(latest?.campaignActivities[0]?.latestSend?.count).toBe(99);
  expect(history?.campaignActivity?.sendHistory?.[1]?.count).toBe(99);
});

test('pages of campaigns are joined, and each campaign is found by its id without a request', async () => {
  const { apollo, seen } = client();
  const pages = apollo.watchQuery({ query: Campaigns, variables: { first: 15 } });
  const shown = () => {
    const { data } = pages.getCurrentResult();
    return data && 'campaigns' in data ? data.campaigns : undefined;
  };
  const subscription = pages.subscribe(() => {});
  await expect.poll(() => shown()?.edges?.length).toBe(15);
  await pages.fetchMore({ variables: { after: shown()?.pageInfo?.endCursor } });
  await expect.poll(() => shown()?.edges?.length).toBe(30);
  const ids = shown()?.edges?.map((edge) => edge?.node?.id);
  expect(new Set(ids).size).toBe(30);
  const last = shown()?.edges?.[29]?.node;
  const { data } = await apollo.query({ query: CampaignById, variables: { id: String(last?.id) } });
  expect(data?.node).toMatchObject({ __typename: 'Campaign', name: last?.name });
  expect(seen.requests).toBe(2);
  subscription.unsubscribe();
});

test('by default, an error of one field fails the query with its code', async () => {
  const { apollo } = client();
  const failure = await apollo.query({ query: Latest, variables: { ids: [UNKNOWN] } }).catch((error: unknown) => error);
  if (!CombinedGraphQLErrors.is(failure)) throw failure;
  expect(failure.errors[0]?.extensions?.['code']).toBe('NOT_FOUND');
  expect(failure.data).toMatchObject({ campaignActivities: [{ id: UNKNOWN, latestSend: null }] });
});

test('with the error policy `all`, data and errors are returned together', async () => {
  const { apollo } = client();
  const ids = [GUIDE, UNKNOWN, HUGE];
  const { data, error } = await apollo.query({ query: Latest, variables: { ids }, errorPolicy: 'all' });
  expect(data?.campaignActivities.map((activity) => activity?.latestSend?.outcome)).toEqual([
    'NO_RECIPIENTS',
    undefined,
    'SENT',
  ]);
  if (!CombinedGraphQLErrors.is(error)) throw new Error('errors were expected');
  expect(error.errors.map((one) => one.extensions?.['code']).sort()).toEqual(['NOT_FOUND']);
});

test('an invalid request is an error of the same kind', async () => {
  const { apollo } = client();
  const failure = await apollo
    .query({ query: History, variables: { id: 'not-a-uuid' } })
    .catch((error: unknown) => error);
  if (!CombinedGraphQLErrors.is(failure)) throw failure;
  expect(failure.errors[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

test('fetchMore joins the pages in the cache, and another order is another list', async () => {
  const { apollo } = client();
  const pages = apollo.watchQuery({ query: Page, variables: { id: WEEKLY, first: 25 } });
  const shown = () => {
    const { data } = pages.getCurrentResult();
    return data && 'campaignActivity' in data ? data.campaignActivity?.sendHistoryConnection : undefined;
  };
  const subscription = pages.subscribe(() => {});
  await expect.poll(() => shown()?.edges?.length).toBe(25);
  const after = shown()?.pageInfo?.endCursor;
  await pages.fetchMore({ variables: { after } });
  await expect.poll(() => shown()?.edges?.length).toBe(40);
  expect(shown()?.pageInfo?.hasNextPage).toBe(false);
  expect(shown()?.totalCount).toBe(40);
  const newest = await apollo.query({ query: Page, variables: { id: WEEKLY, first: 2, orderBy: 'NEWEST_FIRST' } });
  const edges = newest.data?.campaignActivity?.sendHistoryConnection?.edges;
  expect(edges?.map((edge) => edge.node.sendId)).toEqual([40, 39]);
  expect(shown()?.edges).toHaveLength(40);
  subscription.unsubscribe();
});
