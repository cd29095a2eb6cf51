// Starts GraphiQL from the content delivery network's files, or says what to do when they did not arrive.

import {
  editorTools,
  endpoint,
  fetchWithAdvice,
  sharedTab,
  showInAddress,
  showNotice,
  starterTabs,
  storage,
  tabs,
} from './service.js';

showNotice();
if (window.React && window.ReactDOM && window.GraphiQL) {
  start();
} else {
  showHowToAskWithCurl();
}

function start() {
  const { GraphiQL, React, ReactDOM } = window;
  const fetcher = GraphiQL.createFetcher({ url: endpoint, fetch: fetchWithAdvice });
  const root = ReactDOM.createRoot(document.getElementById('graphiql'));
  root.render(
    React.createElement(GraphiQL, {
      fetcher,
      storage,
      defaultTabs: tabs(),
      query: sharedTab?.query,
      variables: sharedTab?.variables,
      onTabChange: ({ tabs, activeTabIndex }) => showInAddress(tabs[activeTabIndex]),
      defaultEditorToolsVisibility: editorTools,
    }),
  );
}

function showHowToAskWithCurl() {
  document.getElementById('graphiql').replaceChildren(document.getElementById('offline').content.cloneNode(true));
  const body = JSON.stringify({ query: withoutComments(starterTabs[0].query) });
  document.getElementById('curl').textContent =
    `curl ${endpoint} \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`;
}

/** The query on one line, which a shell can take in single quotes: no starter query holds one. */
function withoutComments(query) {
  return query.replaceAll(/#.*/g, '').replaceAll(/\s+/g, ' ').trim();
}
