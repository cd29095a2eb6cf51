// Connections in the caches of Apollo Client and urql: page sizes, both directions, and several queries for one list.

import { ApolloClient, type FieldPolicy, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { Client, fetchExchange } from 'urql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, WEEKLY, startService } from './service';
import { cache as apolloCache } from './settings/apollo';
import { cache as urqlCache } from './settings/urql';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const apollo = (cache = apolloCache()) => new ApolloClient({ link: new HttpLink({ uri: service.url }), cache });
const urql = () => new Client({ url: service.url, exchanges: [urqlCache(), fetchExchange], preferGetMethod: false });

const page = (selection: string) => gql`
  query Page($first: Int, $after: String, $last: Int, $before: String) {
    campaignActivity(id: "${WEEKLY}") {
      id
      sendHistoryConnection(first: $first, after: $after, last: $last, before: $before) {
        ${selection}
        pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
      }
    }
  }
`;
const NODES = page('nodes { id sendId }');
const EDGES = page('edges { cursor node { id sendId } }');

/** The `sendId`s from `first` to `last`. */
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

const listOf = (data: any) => data?.campaignActivity?.sendHistoryConnection;
const idsOf = (data: any): number[] | undefined =>
  (listOf(data)?.nodes ?? listOf(data)?.edges.map((edge: any) => edge.node))?.map((send: any) => send.sendId);

function watch(client: ApolloClient, query: typeof NODES, variables: Record<string, unknown>) {
  const pages = client.watchQuery({ query, variables });
  const subscription = pages.subscribe(() => {});
  const data = () => pages.getCurrentResult().data;
  return { pages, ids: () => idsOf(data()), info: () => listOf(data())?.pageInfo, stop: () => subscription.unsubscribe() };
}

test.each([NODES, EDGES])('Apollo prepends the pages before the last one', async (query) => {
  const list = watch(apollo(), query, { last: 15 });
  await expect.poll(list.ids).toEqual(range(26, 40));
  await list.pages.fetchMore({ variables: { before: list.info().startCursor } });
  await expect.poll(list.ids).toEqual(range(11, 40));
  await list.pages.fetchMore({ variables: { before: list.info().startCursor } });
  await expect.poll(list.ids).toEqual(range(1, 40));
  expect(list.info()).toMatchObject({ hasPreviousPage: false, hasNextPage: false });
  list.stop();
});

test.each([NODES, EDGES])('Apollo keeps the pages when another query requests another page size or direction', async (query) => {
  const client = apollo();
  const list = watch(client, query, { first: 10 });
  await expect.poll(list.ids).toEqual(range(1, 10));
  await list.pages.fetchMore({ variables: { after: list.info().endCursor } });
  await expect.poll(list.ids).toEqual(range(1, 20));

  const fewer = await client.query({ query, variables: { first: 3 } });
  expect(idsOf(fewer.data)).toEqual(range(1, 3));
  const latest = await client.query({ query, variables: { last: 2 } });
  expect(idsOf(latest.data)).toEqual([39, 40]);
  expect(list.ids()).toEqual(range(1, 20));

  await list.pages.fetchMore({ variables: { after: list.info().endCursor } });
  await expect.poll(list.ids).toEqual(range(1, 30));
  list.stop();
});

test('Apollo keeps the pages when the first one is fetched again', async () => {
  const client = apollo();
  const list = watch(client, NODES, { first: 10 });
  await expect.poll(list.ids).toEqual(range(1, 10));
  await list.pages.fetchMore({ variables: { after: list.info().endCursor } });
  await client.query({ query: NODES, variables: { first: 10 }, fetchPolicy: 'network-only' });
  expect(list.ids()).toEqual(range(1, 20));
  list.stop();
});

test('Apollo merges the selections of two queries for one page', async () => {
  const client = apollo();
  await client.query({ query: NODES, variables: { first: 5 } });
  await client.query({ query: EDGES, variables: { first: 5 } });
  for (const query of [NODES, EDGES]) {
    expect(idsOf(client.readQuery({ query, variables: { first: 5 } }))).toEqual(range(1, 5));
  }
});

test('Apollo returns a page by its cursor alone', async () => {
  const client = apollo();
  const { data } = await client.query({ query: NODES, variables: { first: 10 } });
  const after = listOf(data).pageInfo.endCursor;
  const second = await client.query({ query: NODES, variables: { first: 10, after } });
  expect(idsOf(second.data)).toEqual(range(11, 20));
});

const relayStyle = (keyArgs: string[]) =>
  new InMemoryCache({
    typePolicies: {
      CampaignActivity: { fields: { sendHistoryConnection: relayStylePagination(keyArgs) as FieldPolicy } },
    },
  });

test("Apollo's relayStylePagination mixes page sizes and directions unless they are among its keyArgs", async () => {
  for (const [keyArgs, fewer, latest] of [
    [['filter', 'orderBy'], range(1, 20), range(1, 20)],
    [['filter', 'orderBy', 'first', 'last'], range(1, 3), [39, 40]],
  ] as const) {
    const client = apollo(relayStyle([...keyArgs]));
    const list = watch(client, EDGES, { first: 10 });
    await expect.poll(list.ids).toEqual(range(1, 10));
    await list.pages.fetchMore({ variables: { after: list.info().endCursor } });
    await expect.poll(list.ids).toEqual(range(1, 20));
    expect(idsOf((await client.query({ query: EDGES, variables: { first: 3 } })).data)).toEqual(fewer);
    expect(idsOf((await client.query({ query: EDGES, variables: { last: 2 } })).data)).toEqual(latest);
    list.stop();
  }
});

test("Apollo's relayStylePagination replaces nodes instead of joining them", async () => {
  const list = watch(apollo(relayStyle(['first'])), NODES, { first: 10 });
  await expect.poll(list.ids).toEqual(range(1, 10));
  await list.pages.fetchMore({ variables: { after: list.info().endCursor } });
  await expect.poll(list.ids).toEqual(range(11, 20));
  list.stop();
});

test("urql's relayPagination returns all loaded pages of both directions for any page size", async () => {
  const client = urql();
  const ids = async (variables: object) => idsOf((await client.query(NODES, variables).toPromise()).data);
  expect(await ids({ first: 10 })).toEqual(range(1, 10));
  expect(await ids({ first: 3 })).toEqual(range(1, 10));
  expect(await ids({ last: 2 })).toEqual([...range(1, 10), 39, 40]);
});
