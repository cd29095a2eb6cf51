// The service as a subgraph, composed with another subgraph by the public composition library.

import { execFileSync } from 'node:child_process';
import { composeServices } from '@apollo/composition';
import { GraphQLClient, gql } from 'graphql-request';
import { parse } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GUIDE, type Service, program, startService } from './service';

/** Another team's subgraph: the title of a newsletter, and the activity that sent it. */
const NEWSLETTERS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])
  type Query { newsletters: [Newsletter!]! }
  type Newsletter { title: String! activity: CampaignActivity! }
  type CampaignActivity @key(fields: "id") { id: ID! editor: String }
  type NewsletterConnection { pageInfo: PageInfo! }
  type PageInfo @shareable { hasPreviousPage: Boolean! hasNextPage: Boolean! startCursor: String endCursor: String }
`;

let service: Service;
let client: GraphQLClient;

beforeAll(async () => {
  service = await startService('--federation');
  client = new GraphQLClient(service.url);
});
afterAll(() => service.stop());

async function sdlOfService(): Promise<string> {
  const answer = await client.request<{ _service: { sdl: string } }>(gql`{ _service { sdl } }`);
  return answer._service.sdl;
}

test('the running subgraph returns the same SDL as the command line', async () => {
  const printed = execFileSync(program, ['schema', '--federation'], { encoding: 'utf8' });
  expect(await sdlOfService()).toBe(printed);
});

test('the subgraph composes with another one that extends the activity', async () => {
  const { supergraphSdl, errors, hints } = composeServices([
    { name: 'sends', url: service.url, typeDefs: parse(await sdlOfService()) },
    { name: 'newsletters', url: 'http://127.0.0.1/unused', typeDefs: parse(NEWSLETTERS) },
  ]);
  expect(errors).toBeUndefined();
  expect(supergraphSdl).toMatch(/type CampaignActivity[^{]*@join__type\(graph: SENDS, key: "id"\)/);
  expect(supergraphSdl).toMatch(/type CampaignActivity[^{]*@join__type\(graph: NEWSLETTERS, key: "id"\)/);
  expect(hints?.map((hint) => hint.definition.code) ?? []).not.toContain('INCONSISTENT_DESCRIPTION');
});

test('a gateway receives its entities in order', async () => {
  const representations = [GUIDE, 'c0de0000-0000-4000-8000-000000000007', GUIDE].map((id) => ({
    __typename: 'CampaignActivity',
    id,
  }));
  const query = gql`
    query ($representations: [_Any!]!) {
      _entities(representations: $representations) { ... on CampaignActivity { id latestSend { outcome } } }
    }
  `;
  const answer = await client.request<{ _entities: unknown[] }>(query, { representations });
  expect(answer._entities).toEqual([
    { id: GUIDE, latestSend: { outcome: 'NO_RECIPIENTS' } },
    { id: 'c0de0000-0000-4000-8000-000000000007', latestSend: { outcome: 'FAILED' } },
    { id: GUIDE, latestSend: { outcome: 'NO_RECIPIENTS' } },
  ]);
});
