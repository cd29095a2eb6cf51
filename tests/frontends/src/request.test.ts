// graphql-request with documents typed by GraphQL Code Generator.

import { print } from 'graphql';
import { ClientError, GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Filtered, History, Latest, Page, SendById } from './documents';
import type { LatestQuery, LatestQueryVariables, SendOutcome } from './generated/graphql';
import { GUIDE, type Service, HUGE, UNKNOWN, WEEKLY, startService } from './service';

let service: Service;
let client: GraphQLClient;

beforeAll(async () => {
  service = await startService();
  client = new GraphQLClient(service.url);
});
afterAll(() => service.stop());

test('a query returns the generated types', async () => {
  const { campaignActivity } = await client.request(History, { id: GUIDE });
  const sends = campaignActivity?.sendHistory ?? [];
  const outcomes: SendOutcome[] = sends.map((send) => send.outcome);
  expect(outcomes).toEqual(['SENT', 'NO_RECIPIENTS']);
  expect(sends.map((send) => send.id)).toEqual([`${GUIDE}:1`, `${GUIDE}:2`]);
  const date: string | null | undefined = sends[0]?.runDate;
  expect(date).toBe('2019-04-18T20:03:08.000Z');
});

test('variables of input types are checked by the compiler and accepted by the service', async () => {
  const filter = { outcomes: ['NO_RECIPIENTS' as const], from: '2019-05-01T00:00:00+02:00' };
  const { campaignActivity } = await client.request(Filtered, { id: GUIDE, filter });
  expect(campaignActivity?.sendHistory?.map((send) => send.id)).toEqual([`${GUIDE}:2`]);
  // @ts-expect-error: not an outcome
  await expect(client.request(Filtered, { id: GUIDE, filter: { outcomes: ['LOST'] } })).rejects.toThrow(ClientError);
});

test('by default, an error of one field fails the request with its code and path', async () => {
  const failure = await client.request(Latest, { ids: [GUIDE, UNKNOWN] }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ClientError);
  const errors = (failure as ClientError).response.errors ?? [];
  expect(errors.map((error) => error.extensions['code'])).toEqual(['NOT_FOUND']);
  expect(errors[0]?.path).toEqual(['campaignActivities', 1, 'latestSend']);
});

test('with the error policy `all`, the other activities are returned with the error', async () => {
  const tolerant = new GraphQLClient(service.url, { errorPolicy: 'all' });
  const variables: LatestQueryVariables = { ids: [GUIDE, UNKNOWN, HUGE] };
  // Only this method of the client returns both data and errors, and it takes the operation as text.
  const { data, errors } = await tolerant.rawRequest<LatestQuery>(print(Latest), variables);
  const [guide, unknown, huge] = data.campaignActivities;
  expect(guide?.latestSend?.outcome).toBe('NO_RECIPIENTS');
  expect(unknown).toEqual({ id: UNKNOWN, latestSend: null });
  expect(huge?.latestSend).toMatchObject({ outcome: 'SENT', count: 5_000_000_000 });
  const codes = errors?.map((error) => [error.path?.join('.'), error.extensions['code']]).sort();
  expect(codes).toEqual([['campaignActivities.1.latestSend', 'NOT_FOUND']]);
});

test('a send is found by its id, and the types of the union are distinguished', async () => {
  const { node } = await client.request(SendById, { id: `${GUIDE}:1` });
  if (node?.__typename !== 'Send') throw new Error(`not a send: ${JSON.stringify(node)}`);
  const sendId: number = node.sendId;
  expect(sendId).toBe(1);
  const activity = await client.request(SendById, { id: GUIDE });
  expect(activity.node).toEqual({ __typename: 'CampaignActivity', id: GUIDE });
});

test('cursors traverse all pages', async () => {
  const seen: number[] = [];
  let after: string | null | undefined;
  do {
    const { campaignActivity } = await client.request(Page, { id: WEEKLY, first: 15, after });
    const page = campaignActivity?.sendHistoryConnection;
    seen.push(...(page?.edges.map((edge) => edge.node.sendId) ?? []));
    after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
  } while (after);
  expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});
