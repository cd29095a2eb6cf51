import { Environment, type GraphQLResponse, Network, RecordSource, Store } from 'relay-runtime';

export const relayEnvironment = (url: string, headers: Record<string, string> = {}) =>
  new Environment({
    network: Network.create(async ({ text }, variables) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query: text, variables }),
      });
      return (await response.json()) as GraphQLResponse;
    }),
    store: new Store(new RecordSource()),
  });
