// GraphiQL page. The page loads only files of the bundle.

import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import {
  editorTools,
  endpoint,
  fetchWithAdvice,
  sharedTab,
  showInAddress,
  showNotice,
  storage,
  tabs,
} from './service.js';

const fetcher = createGraphiQLFetcher({ url: endpoint, fetch: fetchWithAdvice });

// A touch scrolls the tabs. GraphiQL would otherwise start to reorder them, which is still possible with a mouse.
document.addEventListener(
  'pointerdown',
  (event) => event.pointerType === 'touch' && event.target.closest('.graphiql-tab') && event.stopPropagation(),
  true,
);

showNotice();
createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    showPersistHeadersSettings={false}
    defaultTabs={tabs()}
    initialQuery={sharedTab?.query}
    initialVariables={sharedTab?.variables}
    onTabChange={({ tabs, activeTabIndex }) => showInAddress(tabs[activeTabIndex])}
    defaultEditorToolsVisibility={editorTools}
  >
    <GraphiQL.Logo>
      <span className="wordmark">sends</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
