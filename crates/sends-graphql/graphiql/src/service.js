// Links, storage, and the data that the service embeds in the page. GraphiQL and the plain page share this module.

const UNAUTHENTICATED =
  'This service wants to know who asks. Put your credential into the Headers editor at the bottom left, such as ' +
  '{ "Authorization": "Bearer YOUR-TOKEN" } or { "X-API-Key": "YOUR-KEY" }, then fetch the schema again ' +
  'with the round arrow at the left edge.';

const sandbox = document.body.dataset.sandbox === 'true';

/** URL of the GraphQL endpoint next to the page, so that a proxy can serve both below a path prefix. */
export const endpoint = new URL('graphql', location.href).href;

export const starterTabs = JSON.parse(document.getElementById('starter-tabs').textContent);

/** Query and variables of a shared link, `?query=…&variables=…`, or undefined. */
export const sharedTab = tabOfAddress();

/** Returns the tabs for a page that has no stored tabs. The first tab is active. */
export function tabs() {
  return sharedTab ? [sharedTab, ...starterTabs.filter((tab) => !isSame(tab, sharedTab))] : starterTabs;
}

function tabOfAddress() {
  const parameters = new URLSearchParams(location.search);
  const query = parameters.get('query');
  // Variables that are not valid JSON are shown unchanged, so that the user can correct them.
  return query?.trim() ? { query, variables: parameters.get('variables') ?? '' } : undefined;
}

function isSame(tab, other) {
  return tab.query === other.query && (tab.variables || '') === (other.variables || '');
}

/** Maximum length of a link. Servers and proxies reject URLs that are much longer. */
const MAX_LINK_LENGTH = 8000;

/**
 * Replaces the page's URL with a link to this tab. Headers are excluded, since they contain credentials. The URL has
 * no parameters if the link would be too long, or if the query is the first starter query.
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
    history.replaceState(history.state, '', link.href.length > MAX_LINK_LENGTH ? bare : link);
  } catch {
    // Safari rejects more than 100 changes in 30 seconds. The next change updates the URL.
  }
}

/** Editor that GraphiQL initially shows below the query. On a phone, the editor is hidden until the user opens it. */
export const editorTools = matchMedia('(max-width: 45rem)').matches ? false : 'variables';

/** Shows a notice if the data comes from the sandbox. */
export function showNotice() {
  document.getElementById('invented').hidden = !sandbox;
}

/** Calls `fetch`, and shows advice if the service rejects the request as unauthenticated. */
export async function fetchWithAdvice(input, init) {
  const response = await fetch(input, init);
  const advice = document.getElementById('unauthenticated');
  advice.hidden = response.status !== 401;
  advice.textContent = UNAUTHENTICATED;
  return response;
}

// Tabs and history of the sandbox are separate from those of a real account at the same address.
const prefix = sandbox ? 'sends-sandbox:' : 'sends:';
const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));

/**
 * Matches the storage keys that contain requests. GraphiQL stores their headers in its history regardless of its
 * settings.
 */
const containsRequests = /(tabState|queries|favorites)$/;

/** Removes the headers from a stored value, since they contain credentials. */
function withoutHeaders(key, value) {
  if (key.endsWith('headers')) return '';
  if (!containsRequests.test(key)) return value;
  // Headers become null and are not removed, because GraphiQL discards stored tabs without this key.
  return JSON.stringify(JSON.parse(value), (name, part) => (name === 'headers' ? null : part));
}

/** Storage of GraphiQL, which adds a prefix to keys and removes headers from values. */
export const storage = {
  getItem: (key) => localStorage.getItem(prefix + key),
  setItem: (key, value) => localStorage.setItem(prefix + key, withoutHeaders(key, value)),
  removeItem: (key) => localStorage.removeItem(prefix + key),
  get length() {
    return ownKeys().length;
  },
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
};
