// urql 5: normalised cache with schema awareness, partial errors and pagination.

import { Client, fetchExchange } from 'urql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { History, Latest, Page, SendById } from './documents';
import { GUIDE, type Service, HUGE, UNKNOWN, WEEKLY, countingFetch, startService } from './service';
import { cache } from './settings/urql';

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

function client() {
  const fetch = countingFetch();
  const exchanges = [cache(), fetchExchange];
  return { urql: new Client({ url: service.url, exchanges, fetch, preferGetMethod: false }), seen: fetch.seen };
}

test('a query returns the generated types', async () => {
  const { urql } = client();
  const { data, error } = await urql.query(History, { id: GUIDE }).toPromise();
  expect(error).toBeUndefined();
  expect(data?.campaignActivity?.sendHistory?.map((send) => send.outcome)).toEqual(['SENT', 'NO_RECIPIENTS']);
});

test('sends of two activities with the same number are separate objects', async () => {
  const { urql, seen } = client();
  await urql.query(History, { id: WEEKLY }).toPromise();
  await urql.query(History, { id: GUIDE }).toPromise();
  const { data } = await urql.query(SendById, { id: `${GUIDE}:1` }).toPromise();
  expect(data?.node).toMatchObject({ __typename: 'Send', id: `${GUIDE}:1`, outcome: 'SENT', count: 2 });
  const other = await urql.query(SendById, { id: `${WEEKLY}:1` }).toPromise();
  expect(other.data?.node).toMatchObject({ id: `${WEEKLY}:1`, count: 39 });
  expect(seen.requests).toBe(4);
});

test('data and errors are returned together, and failed fields are distinguished from null fields', async () => {
  const { urql } = client();
  const { data, error } = await urql.query(Latest, { ids: [GUIDE, UNKNOWN, HUGE] }).toPromise();
  expect(data?.campaignActivities.map((activity) => activity?.latestSend?.outcome)).toEqual([
    'NO_RECIPIENTS',
    undefined,
    'SENT',
  ]);
  expect(error?.graphQLErrors.map((one) => one.extensions['code']).sort()).toEqual(['NOT_FOUND']);
  expect(error?.networkError).toBeUndefined();
});

test('an invalid request is a GraphQL error, not a network error', async () => {
  const { urql } = client();
  const { error } = await urql.query(History, { id: 'not-a-uuid' }).toPromise();
  expect(error?.networkError).toBeUndefined();
  expect(error?.graphQLErrors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
});

test('relayPagination joins the pages in the cache', async () => {
  const { urql } = client();
  const first = await urql.query(Page, { id: WEEKLY, first: 25 }).toPromise();
  const page = first.data?.campaignActivity?.sendHistoryConnection;
  expect(page?.edges).toHaveLength(25);
  const after = page?.pageInfo.endCursor;
  const second = await urql.query(Page, { id: WEEKLY, first: 25, after }).toPromise();
  const joined = second.data?.campaignActivity?.sendHistoryConnection;
  expect(joined?.edges.map((edge) => edge.node.sendId)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(joined?.pageInfo.hasNextPage).toBe(false);
});
