// Plain page: a query editor, the response and the documentation. The page loads only files of this service.

import { showAnswer } from './answer.js';
import { showLoading, showNoSchema, showSchema } from './docs.js';
import { byId, element } from './dom.js';
import { goTo, makeEditor } from './editor.js';
import { readHeaders, readVariables, send } from './request.js';
import { loadSchema } from './schema.js';
import { showInAddress } from './service.js';
import { operationNames, Tabs } from './state.js';
import { renameTab, showTabs } from './tablist.js';

/** Media query for the layout with three columns. */
const WIDE = '(min-width: 1100px)';

/** Media query for the layout with the response below the query. */
const NARROW = '(max-width: 760px)';

/** Shows the plain page. `loadGraphiql` is called when the user requests GraphiQL. */
export function showPlainPage(loadGraphiql) {
  byId('graphiql').replaceChildren(byId('plain').content.cloneNode(true));
  document.body.classList.add('plain');
  const tabs = new Tabs();
  const query = byId('query');
  let hasSchema = false;
  for (const area of document.querySelectorAll('textarea')) {
    Object.assign(area, { spellcheck: false, autocomplete: 'off', autocapitalize: 'off' });
  }

  makeEditor(query);
  showTab();
  showDocs(matchMedia(WIDE).matches);
  matchMedia(WIDE).addEventListener('change', ({ matches }) => showDocs(matches));
  loadDocs();

  query.addEventListener('input', edited);
  byId('variables').addEventListener('input', edited);
  byId('headers').addEventListener('change', () => hasSchema || loadDocs());
  byId('panel').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });
  byId('run').addEventListener('click', run);
  byId('cancel').addEventListener('click', cancel);
  byId('new-tab').addEventListener('click', () => {
    changeTabs(() => tabs.add());
    query.focus();
  });
  byId('close-tab').addEventListener('click', () => {
    tabs.current.running?.abort();
    changeTabs(() => tabs.closeCurrent());
  });
  byId('reset').addEventListener('click', () => {
    for (const tab of tabs.all) tab.running?.abort();
    changeTabs(() => tabs.reset());
  });
  byId('toggle-docs').addEventListener('click', () => showDocs(byId('docs').hidden));
  byId('load-graphiql').addEventListener('click', loadGraphiql);

  function changeTabs(change) {
    change();
    // In this layout, the documentation covers the query.
    if (matchMedia(NARROW).matches) showDocs(false);
    showTab();
  }

  function showTab() {
    const { current } = tabs;
    query.value = current.query;
    query.scrollTop = 0;
    byId('variables').value = current.variables;
    byId('variables-box').open = current.variables !== '';
    showTabs(tabs, (index) => changeTabs(() => tabs.select(index)));
    showInAddress(current);
    showOperations();
    showRun(current);
  }

  function edited() {
    tabs.current.query = query.value;
    tabs.current.variables = byId('variables').value;
    tabs.keep();
    showInAddress(tabs.current);
    renameTab(tabs);
    showOperations();
  }

  /** Shows a list of operations if the document contains several. */
  function showOperations() {
    const names = operationNames(query.value);
    const choice = byId('operation');
    const chosen = choice.value;
    choice.replaceChildren(...names.map((name) => element('option', { value: name, textContent: name })));
    if (names.includes(chosen)) choice.value = chosen;
    choice.hidden = names.length < 2;
  }

  async function run() {
    const tab = tabs.current;
    tab.running?.abort();
    const running = new AbortController();
    try {
      const variables = readVariables(tab.variables);
      const headers = readHeaders(byId('headers').value);
      const operationName = byId('operation').hidden ? undefined : byId('operation').value;
      Object.assign(tab, { running, outcome: { summary: 'Running…' } });
      showRun(tab);
      const outcome = await send({ query: tab.query, variables, operationName }, headers, running.signal);
      // A later run of the same tab has replaced this run.
      if (tab.running !== running) return;
      Object.assign(tab, { running: undefined, outcome });
      if (!hasSchema && outcome.json?.data) loadDocs();
    } catch (error) {
      Object.assign(tab, { running: undefined, outcome: { summary: 'Not sent', problems: [{ text: error.message }] } });
    }
    showRun(tab);
    if (tab === tabs.current && matchMedia(NARROW).matches) byId('response').scrollIntoView({ block: 'start' });
  }

  function cancel() {
    tabs.current.running?.abort();
    byId('run').focus();
  }

  function showRun(tab) {
    if (tab !== tabs.current) return;
    byId('cancel').disabled = !tab.running;
    showAnswer(tab.outcome, (place) => goTo(query, place));
  }

  function showDocs(shown) {
    byId('docs').hidden = !shown;
    byId('toggle-docs').setAttribute('aria-expanded', String(shown));
  }

  async function loadDocs() {
    showLoading();
    try {
      showSchema(await loadSchema(readHeaders(byId('headers').value)));
      hasSchema = true;
    } catch (error) {
      showNoSchema(error.message, loadDocs);
    }
  }
}
