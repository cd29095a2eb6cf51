// Renders the response to an operation: a summary line, its errors, and the JSON.

import { byId, element } from './dom.js';

/** Maximum length of a highlighted response, in characters. Each highlighted token is a DOM element. */
const MAX_HIGHLIGHTED_LENGTH = 200_000;

/** Matches a JSON string with the colon after a member name, a keyword, or a number. */
const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Shows an outcome of `send`, or a hint before the first run. `goTo` is called with the location of an error. */
export function showAnswer(outcome, goTo) {
  byId('outcome').textContent = outcome?.summary ?? '';
  const problems = byId('problems');
  problems.replaceChildren(...(outcome?.problems ?? []).map((problem) => item(problem, goTo)));
  problems.hidden = problems.children.length === 0;
  const answer = byId('answer');
  answer.replaceChildren();
  if (outcome?.json !== undefined) answer.append(highlighted(JSON.stringify(outcome.json, null, 2)));
  else answer.textContent = outcome ? (outcome.text ?? '') : 'Press Run to see the answer here.';
  answer.scrollTop = 0;
}

function item({ text, code, at }, goTo) {
  const shown = element('li', {}, text, ...(code ? [' ', element('code', {}, code)] : []));
  if (at) {
    const place = `line ${at.line}, column ${at.column}`;
    shown.append(' ', element('button', { type: 'button', className: 'link', textContent: place, onclick: () => goTo(at) }));
  }
  return shown;
}

function highlighted(text) {
  const shown = document.createDocumentFragment();
  if (text.length > MAX_HIGHLIGHTED_LENGTH) {
    shown.append(text);
    return shown;
  }
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [whole, string, colon] = match;
    const token = string ?? whole;
    shown.append(text.slice(end, match.index), element('span', { className: kind(token, colon) }, token));
    end = match.index + token.length;
  }
  shown.append(text.slice(end));
  return shown;
}

function kind(token, colon) {
  if (token.startsWith('"')) return colon ? 'name' : 'string';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}
