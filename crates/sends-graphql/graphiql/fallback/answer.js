// The answer to an operation: one line about it, its errors in words, and the JSON.

import { byId, element } from './dom.js';

/** Longer answers are shown without colours: each colour is an element. */
const LONGEST_COLOURED = 200_000;

/** A string and whether a colon makes it a name, a word of the language, or a number. */
const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Shows an outcome of `send`; nothing when there is none yet. `goTo` is called with a place in the query. */
export function showAnswer(outcome, goTo) {
  byId('outcome').textContent = outcome?.summary ?? '';
  const problems = byId('problems');
  problems.replaceChildren(...(outcome?.problems ?? []).map((problem) => item(problem, goTo)));
  problems.hidden = problems.children.length === 0;
  const answer = byId('answer');
  answer.replaceChildren();
  if (outcome?.json !== undefined) answer.append(coloured(JSON.stringify(outcome.json, null, 2)));
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

function coloured(text) {
  const shown = document.createDocumentFragment();
  if (text.length > LONGEST_COLOURED) {
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
