import type { FailedSendsQuery } from '../generated/graphql';
import { graphql } from '../generated';

export const FailedSends = graphql(/* GraphQL */ `
  query FailedSends($after: String) {
    sends(filter: { outcomes: [FAILED, PARTIALLY_SENT, NO_RECIPIENTS, UNKNOWN] }, first: 10, after: $after) {
      nodes {
        id
        runDate
        outcome
        campaign { id name }
        reason { description remedy }
        activity {
          id
          latestSend { id }
          sendSummary { needsAttention }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Send = NonNullable<FailedSendsQuery['sends']>['nodes'][number];

/** Whether this send is the latest of an activity that needs attention. */
export const needsAttention = ({ id, activity }: Send) =>
  activity.latestSend?.id === id && activity.sendSummary?.needsAttention === true;
