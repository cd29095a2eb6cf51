// Loads GraphiQL's files from the content delivery network, within a time.

/** In milliseconds: until the first file has come, or else the network is taken for unreachable. */
const FIRST_WITHIN = 3_000;

/** In milliseconds, from the first file to the last one, of a megabyte in all. */
const REST_WITHIN = 15_000;

/** Resolves when every file has been loaded; takes them out of the page again when one fails, is late or is given up. */
export async function loadGraphiql(givenUp) {
  const elements = [...document.getElementById('cdn').content.children].map(copy);
  const loaded = elements.map(
    (element) =>
      new Promise((resolve, reject) => {
        element.onload = resolve;
        element.onerror = () => reject(new Error(`${element.src ?? element.href} did not load`));
      }),
  );
  // The browser shows a page as loading until what was inserted before this event has come.
  if (document.readyState !== 'complete') await new Promise((resolve) => addEventListener('load', resolve));
  elements.forEach(insert);
  try {
    await within(FIRST_WITHIN, givenUp, Promise.race(loaded));
    await within(REST_WITHIN, givenUp, Promise.all(loaded));
  } catch (error) {
    elements.forEach((element) => element.remove());
    throw error;
  }
}

/** A script that was made by a script runs once it is inserted; one that is copied with its template may not. */
function copy(inert) {
  const element = document.createElement(inert.localName);
  for (const { name, value } of inert.attributes) element.setAttribute(name, value);
  if (element.localName === 'script') element.async = false;
  return element;
}

/** GraphiQL's styles go before those of the page, which change some of them. */
function insert(element) {
  if (element.localName === 'link') document.head.prepend(element);
  else document.head.append(element);
}

function within(milliseconds, givenUp, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The content delivery network is too slow.')), milliseconds);
    givenUp.addEventListener('abort', () => reject(givenUp.reason), { once: true });
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
