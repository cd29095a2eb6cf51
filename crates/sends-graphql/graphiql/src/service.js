// What this service tells the page, and what the page needs of it. Shared by the bundle and by the page without it.

const UNAUTHENTICATED =
  'This service wants to know who asks. Put your credential into the Headers editor at the bottom left, such as ' +
  '{ "Authorization": "Bearer YOUR-TOKEN" } or { "X-API-Key": "YOUR-KEY" }, then fetch the schema again ' +
  'with the round arrow at the left edge.';

const sandbox = document.body.dataset.sandbox === 'true';

/** Beside the page, so that a proxy may put both under a path of its own. */
export const endpoint = new URL('graphql', location.href).href;

export const starterTabs = JSON.parse(document.getElementById('starter-tabs').textContent);

/** The query and the variables of the link that opened the page, `?query=…&variables=…`, if it carries any. */
export const sharedTab = tabOfAddress();

/** The tabs of a page without stored ones; the first is the active one. */
export function tabs() {
  return sharedTab ? [sharedTab, ...starterTabs.filter((tab) => !isSame(tab, sharedTab))] : starterTabs;
}

function tabOfAddress() {
  const parameters = new URLSearchParams(location.search);
  const query = parameters.get('query');
  // Variables that are no JSON are shown like any others, for the reader of the link to correct.
  return query?.trim() ? { query, variables: parameters.get('variables') ?? '' } : undefined;
}

function isSame(tab, other) {
  return tab.query === other.query && (tab.variables || '') === (other.variables || '');
}

/** Servers and proxies refuse addresses that are much longer. */
const LONGEST_LINK = 8000;

/**
 * Makes the address a link to this tab. Headers stay out of it, since they hold credentials. A query that is too long for
 * a link, or that the page opens with anyway, leaves the bare address.
 */
export function showInAddress(tab) {
  const bare = new URL(location.href);
  bare.searchParams.delete('query');
  bare.searchParams.delete('variables');
  const link = new URL(bare);
  if (tab?.query?.trim() && !isSame(tab, starterTabs[0])) {
    link.searchParams.set('query', tab.query);
    if (tab.variables?.trim()) link.searchParams.set('variables', tab.variables);
  }
  try {
    history.replaceState(history.state, '', link.href.length > LONGEST_LINK ? bare : link);
  } catch {
    // Safari refuses more than a hundred changes in half a minute. The next one catches up.
  }
}

/** What GraphiQL shows below the query at first. A phone has no room for it; its bar opens it there. */
export const editorTools = matchMedia('(max-width: 45rem)').matches ? false : 'variables';

/** Says so when the data is invented. */
export function showNotice() {
  document.getElementById('invented').hidden = !sandbox;
}

/** `fetch`, with advice when the service refuses a caller that it does not know. */
export async function fetchWithAdvice(input, init) {
  const response = await fetch(input, init);
  const advice = document.getElementById('unauthenticated');
  advice.hidden = response.status !== 401;
  advice.textContent = UNAUTHENTICATED;
  return response;
}

// Tabs and history of invented data and of a real account on the same address are kept apart.
const prefix = sandbox ? 'sends-sandbox:' : 'sends:';
const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));

/** The parts of GraphiQL's storage that hold requests. Its history keeps their headers whether or not it is to. */
const holdsRequests = /(tabState|queries|favorites)$/;

/** What GraphiQL keeps, without the headers: credentials stand there. */
function withoutHeaders(key, value) {
  if (key.endsWith('headers')) return '';
  if (!holdsRequests.test(key)) return value;
  // Null rather than left out: GraphiQL discards stored tabs in which the key is missing.
  return JSON.stringify(JSON.parse(value), (name, part) => (name === 'headers' ? null : part));
}

/** The browser's storage, as GraphiQL wants it. */
export const storage = {
  getItem: (key) => localStorage.getItem(prefix + key),
  setItem: (key, value) => localStorage.setItem(prefix + key, withoutHeaders(key, value)),
  removeItem: (key) => localStorage.removeItem(prefix + key),
  get length() {
    return ownKeys().length;
  },
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
};
