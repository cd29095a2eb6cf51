// Sends operations, and describes their outcomes for the user.

import { endpoint } from './service.js';

/** Advice for status codes, shown after the errors of the response. */
const ADVICE = {
  401: 'A credential goes under “Headers”, as in X-API-Key: your-key or Authorization: Bearer your-token.',
  404: `There is no GraphQL endpoint at ${endpoint}.`,
  413: 'The request is too large for the service.',
  429: 'That was too much at once. Wait a little and run it again.',
  502: 'Something in front of the service could not reach it.',
  503: 'The service is busy or stopping. Wait a little and run it again.',
  504: 'Something in front of the service did not wait for it.',
};

/**
 * Sends an operation and returns its outcome. The promise never rejects. `summary` is one line. `problems` are
 * sentences (`text`) with the `code` of the error and its location in the query (`at`). `json` is the response.
 * `text` replaces it if the response is not JSON.
 */
export async function send(body, headers, signal) {
  const started = performance.now();
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    return { status: response.status, ...read(response.status, text, took) };
  } catch (error) {
    if (signal?.aborted) return { summary: 'Cancelled', problems: [] };
    if (error instanceof TypeError) {
      const unreachable = `The service at ${endpoint} could not be reached, or the connection broke. Is it still running?`;
      return { summary: 'No answer', problems: [{ text: unreachable }] };
    }
    return { summary: 'No answer', problems: [{ text: String(error) }] };
  }
}

function read(status, text, took) {
  const summary = `HTTP ${status} · ${took} ms · ${size(text)}`;
  const advice = status >= 400 && ADVICE[status] ? [{ text: ADVICE[status] }] : [];
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    const notJson = { text: `The answer, with status ${status}, is not JSON; something in front of the service may have sent it.` };
    return { summary, problems: [notJson, ...advice], text };
  }
  const errors = Array.isArray(json?.errors) ? json.errors : [];
  return { summary, problems: [...errors.map(problem), ...advice], json };
}

function problem({ message, path, locations, extensions }) {
  const where = path?.length ? ` (${path.join('.')})` : '';
  return { text: `${message}${where}`, code: extensions?.code, at: locations?.[0] };
}

function size(text) {
  const bytes = new Blob([text]).size;
  return bytes < 1_000 ? `${bytes} bytes` : `${(bytes / 1_000).toFixed(1)} kB`;
}

/**
 * Parses the variables. Returns undefined for an empty input. Throws an error whose message is a sentence for the
 * user.
 */
export function readVariables(text) {
  if (!text.trim()) return undefined;
  let variables;
  try {
    variables = JSON.parse(text);
  } catch (error) {
    throw new Error(`The variables are not JSON: ${error.message}.`);
  }
  if (variables === null || typeof variables !== 'object' || Array.isArray(variables)) {
    throw new Error('The variables must be a JSON object, as in { "id": "…" }.');
  }
  return variables;
}

/**
 * Parses headers: one per line as in HTTP, or a JSON object as in GraphiQL. Throws an error whose message is a
 * sentence for the user.
 */
export function readHeaders(text) {
  const pairs = text.trim().startsWith('{') ? fromObject(text) : text.split('\n').map(fromLine);
  const headers = {};
  for (const [name, value] of pairs.filter(Boolean)) {
    try {
      new Headers([[name, value]]);
    } catch {
      throw new Error(`The header “${name}” has a name or a value that HTTP does not allow.`);
    }
    headers[name] = value;
  }
  return headers;
}

function fromObject(text) {
  try {
    return Object.entries(JSON.parse(text)).map(([name, value]) => [name, String(value)]);
  } catch (error) {
    throw new Error(`The headers are not JSON: ${error.message}. One on each line, as in X-API-Key: your-key, does as well.`);
  }
}

function fromLine(line, index) {
  if (!line.trim()) return undefined;
  const colon = line.indexOf(':');
  if (colon < 1) throw new Error(`Line ${index + 1} of the headers is not like X-API-Key: your-key.`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
