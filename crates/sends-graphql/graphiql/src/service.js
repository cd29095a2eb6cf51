// What this service tells the page, and what the page needs of it. Shared by the bundle and by the page without it.

const UNAUTHENTICATED =
  'This service wants to know who asks. Put your credential into the Headers editor at the bottom left, such as ' +
  '{ "Authorization": "Bearer YOUR-TOKEN" } or { "X-API-Key": "YOUR-KEY" }, then fetch the schema again ' +
  'with the round arrow at the left edge.';

const sandbox = document.body.dataset.sandbox === 'true';

/** Beside the page, so that a proxy may put both under a path of its own. */
export const endpoint = new URL('graphql', location.href).href;

export const starterTabs = JSON.parse(document.getElementById('starter-tabs').textContent);

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
  return JSON.stringify(JSON.parse(value), (name, part) => (name === 'headers' ? undefined : part));
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
