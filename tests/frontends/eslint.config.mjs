// Recommended and Relay rules of @graphql-eslint for schema.graphql. Run from the root of the repository.
import graphql from '@graphql-eslint/eslint-plugin';

const { 'flat/schema-recommended': recommended, 'flat/schema-relay': relay } = graphql.configs;

export default [
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...recommended.rules,
      ...relay.rules,
      // Constant Contact lists campaigns in one direction only, so `campaigns` has no `last` and `before`.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // Lists that are short by nature or limited by an argument are not connections. `nodes` is a common addition to
      // connections.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      // Fields of Constant Contact keep their upstream names: `sendId`, `sendStatus`, `campaignId`, `segmentId`. The
      // rule has no options.
      '@graphql-eslint/no-typename-prefix': 'off',
      // These types are values without an identity of their own. A cache stores them with their parent.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Connection', 'Edge'],
            types: [
              'Account', 'Bounces', 'CalendarPeriod', 'EngagementStats', 'LogCoverage', 'OutcomeCount', 'PageInfo',
              'Reason', 'SendSummary', 'SendTotal', 'SendTotalGroup', 'SendTotals', 'SyncState', 'UnreadableResource',
              'UpstreamBudget',
            ],
          },
        },
      ],
    },
  },
];
