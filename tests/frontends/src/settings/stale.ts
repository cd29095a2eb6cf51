import { ApolloLink } from '@apollo/client';
import { tap } from 'rxjs';

/** Entry of `extensions.upstream.stale`. */
export type StaleData = { type: string; fetchedAt: string; reason: string };

/** Calls `report` for each response, with an empty list if the response has no stale data. */
export const staleDataLink = (report: (stale: StaleData[], operationName?: string) => void) =>
  new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      tap((result) => report(result.extensions?.['upstream']?.stale ?? [], operation.operationName)),
    ),
  );
