// Decides once, while nobody has typed anything: GraphiQL from the content delivery network, or the plain page.

import { loadGraphiql } from './cdn.js';
import { showPlainPage } from './plain.js';
import { editorTools, endpoint, fetchWithAdvice, sharedTab, showInAddress, showNotice, storage, tabs } from './service.js';
import { forget, recall, remember } from './session.js';

/** Set for as long as the browser's tab lives, so that a reload does not wait for an unreachable network again. */
const PLAIN = 'plain';

showNotice();
if (recall(PLAIN)) {
  startPlainPage();
} else {
  loadGraphiql(plainPageWanted()).then(startGraphiql).catch(startPlainPage);
}

/** Aborted by the button beside the word that GraphiQL is being loaded. */
function plainPageWanted() {
  const wanted = new AbortController();
  const loading = document.getElementById('loading');
  loading.hidden = false;
  loading.querySelector('button').addEventListener('click', () => wanted.abort());
  return wanted.signal;
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
      // GraphiQL takes `query` for a further tab when it has tabs of an earlier visit, and the default tabs otherwise.
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
