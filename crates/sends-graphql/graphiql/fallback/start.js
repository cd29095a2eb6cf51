// Selects GraphiQL from the CDN or the plain page, once, before the user can type.

import { loadGraphiql } from './cdn.js';
import { showPlainPage } from './plain.js';
import { editorTools, endpoint, fetchWithAdvice, sharedTab, showInAddress, showNotice, storage, tabs } from './service.js';
import { forget, recall, remember } from './session.js';

/**
 * Session entry that is set once the plain page is shown, so that a reload does not wait for an unreachable CDN
 * again.
 */
const PLAIN = 'plain';

showNotice();
if (recall(PLAIN)) {
  startPlainPage();
} else {
  loadGraphiql(plainPageRequested()).then(startGraphiql).catch(startPlainPage);
}

/** Returns a signal that is aborted by the button next to the loading message. */
function plainPageRequested() {
  const request = new AbortController();
  const loading = document.getElementById('loading');
  loading.hidden = false;
  loading.querySelector('button').addEventListener('click', () => request.abort());
  return request.signal;
}

function startGraphiql() {
  const { GraphiQL, React, ReactDOM } = window;
  const fetcher = GraphiQL.createFetcher({ url: endpoint, fetch: fetchWithAdvice });
  const root = ReactDOM.createRoot(document.getElementById('graphiql'));
  root.render(
    React.createElement(GraphiQL, {
      fetcher,
      storage,
      defaultTabs: tabs(),
      // If GraphiQL has stored tabs, it opens `query` in an additional tab. Otherwise, it opens the default tabs.
      query: sharedTab?.query,
      variables: sharedTab?.variables,
      onTabChange: ({ tabs, activeTabIndex }) => showInAddress(tabs[activeTabIndex]),
      defaultEditorToolsVisibility: editorTools,
    }),
  );
}

function startPlainPage() {
  remember(PLAIN, true);
  showPlainPage(() => {
    forget(PLAIN);
    location.reload();
  });
}
