// Operations of Apollo Client, urql and graphql-request. Their types are generated from `schema.graphql`.

import { graphql } from './generated';

export const History = graphql(/* GraphQL */ `
  query History($id: ID!) {
    campaignActivity(id: $id) {
      id
      sendHistory {
        id
        sendId
        runDate
        count
        outcome
        reason {
          code
          description
        }
      }
    }
  }
`);

export const Latest = graphql(/* GraphQL */ `
  query Latest($ids: [ID!]!) {
    campaignActivities(ids: $ids) {
      id
      latestSend {
        id
        outcome
        count
      }
    }
  }
`);

export const SendById = graphql(/* GraphQL */ `
  query SendById($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Send {
        sendId
        outcome
        count
      }
    }
  }
`);

export const Campaigns = graphql(/* GraphQL */ `
  query Campaigns($first: Int, $after: String) {
    campaigns(first: $first, after: $after) {
      edges {
        cursor
        node {
          id
          name
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CampaignById = graphql(/* GraphQL */ `
  query CampaignById($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Campaign {
        name
      }
    }
  }
`);

export const Page = graphql(/* GraphQL */ `
  query Page($id: ID!, $first: Int, $after: String, $orderBy: SendOrder! = OLDEST_FIRST) {
    campaignActivity(id: $id) {
      id
      sendHistoryConnection(first: $first, after: $after, orderBy: $orderBy) {
        totalCount
        edges {
          cursor
          node {
            id
            sendId
          }
        }
        pageInfo {
          hasPreviousPage
          hasNextPage
          startCursor
          endCursor
        }
      }
    }
  }
`);

export const Filtered = graphql(/* GraphQL */ `
  query Filtered($id: ID!, $filter: SendHistoryFilter) {
    campaignActivity(id: $id) {
      id
      sendHistory(filter: $filter) {
        id
        outcome
      }
    }
  }
`);
