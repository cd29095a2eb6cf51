// Relay's persisted queries: the compiler generates the manifest, and the network function sends only an id.

import { fileURLToPath } from 'node:url';
import { Environment, type GraphQLResponse, Network, RecordSource, Store, fetchQuery, graphql } from 'relay-runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GUIDE, type Service, startService } from '../service';
import type { persistedTrustedQuery } from './__generated__/persistedTrustedQuery.graphql';

const Trusted = graphql`
  query persistedTrustedQuery($id: ID!) {
    campaignActivity(id: $id) {
      id
      latestSend {
        outcome
      }
    }
  }
`;

let service: Service;

beforeAll(async () => {
  const manifest = fileURLToPath(new URL('../generated/relay-documents.json', import.meta.url));
  service = await startService('--persisted-only', manifest);
});
afterAll(() => service.stop());

test("a query of the compiler's manifest is served by its id", async () => {
  const network = Network.create(async (operation, variables) => {
    const response = await fetch(service.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ documentId: operation.id, variables }),
    });
    return (await response.json()) as GraphQLResponse;
  });
  const relay = new Environment({ network, store: new Store(new RecordSource()) });
  const data = await fetchQuery<persistedTrustedQuery>(relay, Trusted, { id: GUIDE }).toPromise();
  expect(data?.campaignActivity?.latestSend?.outcome).toBe('NO_RECIPIENTS');
});
