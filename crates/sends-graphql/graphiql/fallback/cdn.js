// Loads GraphiQL's files from the CDN, with timeouts.

/** Timeout in milliseconds for the first file, after which the CDN counts as unreachable. */
const FIRST_FILE_TIMEOUT = 3_000;

/** Timeout in milliseconds from the first file to the last. The total size is a megabyte. */
const OTHER_FILES_TIMEOUT = 15_000;

/**
 * Resolves when all files are loaded. Rejects, and removes the files from the page, after a failure, a timeout or a
 * cancellation.
 */
export async function loadGraphiql(cancelled) {
  const elements = [...document.getElementById('cdn').content.children].map(copy);
  const loaded = elements.map(
    (element) =>
      new Promise((resolve, reject) => {
        element.onload = resolve;
        element.onerror = () => reject(new Error(`${element.src ?? element.href} did not load`));
      }),
  );
  // Elements that are inserted before the `load` event delay it, and the browser shows the page as loading until then.
  if (document.readyState !== 'complete') await new Promise((resolve) => addEventListener('load', resolve));
  elements.forEach(insert);
  try {
    await within(FIRST_FILE_TIMEOUT, cancelled, Promise.race(loaded));
    await within(OTHER_FILES_TIMEOUT, cancelled, Promise.all(loaded));
  } catch (error) {
    elements.forEach((element) => element.remove());
    throw error;
  }
}

/** Creates a new element, because a script that is cloned from a template may not run after its insertion. */
function copy(inert) {
  const element = document.createElement(inert.localName);
  for (const { name, value } of inert.attributes) element.setAttribute(name, value);
  if (element.localName === 'script') element.async = false;
  return element;
}

/** Inserts GraphiQL's styles before the page's styles, which override some of them. */
function insert(element) {
  if (element.localName === 'link') document.head.prepend(element);
  else document.head.append(element);
}

function within(milliseconds, cancelled, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The content delivery network is too slow.')), milliseconds);
    cancelled.addEventListener('abort', () => reject(cancelled.reason), { once: true });
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
