// Relay 21: compiled artifacts, a store with global ids, `@catch` for partial errors, and `@connection`.

import {
  ConnectionHandler,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  graphql,
} from 'relay-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GUIDE, type Service, HUGE, UNKNOWN, WEEKLY, startService } from '../service';
import { relayEnvironment } from '../settings/relay';
import type { relayCountQuery } from './__generated__/relayCountQuery.graphql';
import type { relayHistoryQuery } from './__generated__/relayHistoryQuery.graphql';
import type { relayNodeQuery } from './__generated__/relayNodeQuery.graphql';
import type { relayPageQuery } from './__generated__/relayPageQuery.graphql';
import type { relayPartialQuery } from './__generated__/relayPartialQuery.graphql';

const History = graphql`
  query relayHistoryQuery($id: ID!) {
    campaignActivity(id: $id) {
      id
      sendHistory {
        id
        sendId
        outcome
        count
      }
    }
  }
`;

const NodeById = graphql`
  query relayNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Send {
        sendId
        outcome
      }
    }
  }
`;

const Partial = graphql`
  query relayPartialQuery($ids: [ID!]!) {
    campaignActivities(ids: $ids) {
      id
      latestSend @catch(to: RESULT) {
        outcome
      }
    }
  }
`;

const Count = graphql`
  query relayCountQuery($id: ID!) {
    campaignActivity(id: $id) {
      latestSend {
        outcome
        count @catch(to: RESULT)
      }
    }
  }
`;

const Page = graphql`
  query relayPageQuery($id: ID!, $first: Int!, $after: String) {
    campaignActivity(id: $id) {
      id
      sendHistoryConnection(first: $first, after: $after)
        @connection(key: "relay_sendHistoryConnection") {
        totalCount
        edges {
          node {
            id
            sendId
          }
        }
      }
    }
  }
`;

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const environment = () => relayEnvironment(service.url);

test('a query returns the generated types', async () => {
  const data = await fetchQuery<relayHistoryQuery>(environment(), History, { id: GUIDE }).toPromise();
  expect(data?.campaignActivity?.sendHistory?.map((send) => send.outcome)).toEqual(['SENT', 'NO_RECIPIENTS']);
});

test('every object is stored under its id, including sends with the same number', async () => {
  const relay = environment();
  await fetchQuery<relayHistoryQuery>(relay, History, { id: GUIDE }).toPromise();
  await fetchQuery<relayHistoryQuery>(relay, History, { id: WEEKLY }).toPromise();
  const stored = relay.getStore().getSource();
  expect(stored.get(GUIDE)?.['__typename']).toBe('CampaignActivity');
  expect(stored.get(`${GUIDE}:1`)).toMatchObject({ __typename: 'Send', sendId: 1, count: 2 });
  expect(stored.get(`${WEEKLY}:1`)).toMatchObject({ __typename: 'Send', sendId: 1, count: 39 });
});

test('the node field returns the stored object with that id', async () => {
  const relay = environment();
  for (const id of [GUIDE, `${GUIDE}:2`]) {
    const data = await fetchQuery<relayNodeQuery>(relay, NodeById, { id }).toPromise();
    expect(data?.node?.id).toBe(id);
  }
  const send = await fetchQuery<relayNodeQuery>(relay, NodeById, { id: `${GUIDE}:2` }).toPromise();
  expect(send?.node).toMatchObject({ __typename: 'Send', sendId: 2, outcome: 'NO_RECIPIENTS' });
});

test('the error of a field is caught at that field, and the other fields have values', async () => {
  const ids = [GUIDE, UNKNOWN];
  const data = await fetchQuery<relayPartialQuery>(environment(), Partial, { ids }).toPromise();
  const [guide, unknown] = data?.campaignActivities ?? [];
  expect(guide?.latestSend).toMatchObject({ ok: true, value: { outcome: 'NO_RECIPIENTS' } });
  expect(unknown?.id).toBe(UNKNOWN);
  if (unknown?.latestSend.ok !== false) throw new Error('an error was expected');
  expect(unknown.latestSend.errors[0]).toMatchObject({ extensions: { code: 'NOT_FOUND' } });
});

test('a number beyond 32 bits is preserved', async () => {
  const data = await fetchQuery<relayCountQuery>(environment(), Count, { id: HUGE }).toPromise();
  expect(data?.campaignActivity?.latestSend).toMatchObject({ outcome: 'SENT', count: { ok: true, value: 5_000_000_000 } });
});

test('a request without any data fails as a whole', async () => {
  const nothing = { ...getRequest(History), params: { ...getRequest(History).params, text: '{ nothing }' } };
  const failure = fetchQuery<relayHistoryQuery>(environment(), nothing as typeof History, { id: GUIDE }).toPromise();
  await expect(failure).rejects.toThrow(/nothing/);
});

test('the connection grows by the page after the cursor', async () => {
  const relay = environment();
  let after: string | null = null;
  for (const [length, more] of [
    [25, true],
    [40, false],
  ] as const) {
    const variables: relayPageQuery['variables'] = { id: WEEKLY, first: 25, after };
    await fetchQuery<relayPageQuery>(relay, Page, variables).toPromise();
    const root = createOperationDescriptor(getRequest(Page), { id: WEEKLY, first: 25 });
    const data = relay.lookup(root.fragment).data as relayPageQuery['response'];
    expect(data.campaignActivity?.sendHistoryConnection?.edges).toHaveLength(length);
    const key = ConnectionHandler.getConnectionID(WEEKLY, 'relay_sendHistoryConnection');
    const pageInfo = relay.getStore().getSource().get(`${key}:pageInfo`);
    expect(pageInfo?.['hasNextPage']).toBe(more);
    after = pageInfo?.['endCursor'] as string;
  }
});
