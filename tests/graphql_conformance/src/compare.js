// Two answers to one operation.

import { MASKED } from './operations.js';

/**
 * What the specification refuses and graphql-js does not: it knows no type of `__typename`, so that `a: __typename` and
 * `... on Other { a: nullableString }` pass for fields of the same type.
 */
const BY_THE_SPECIFICATION = /must not select different types using the same name/;

/** What differs between two answers, or between what was refused alone; undefined when nothing does. */
export function difference(ours, reference, isVolatile) {
  const [isRun, shouldRun] = [ours, reference].map((answer) => 'data' in answer);
  if (!isRun && shouldRun && ours.errors.every(({ message }) => BY_THE_SPECIFICATION.test(message))) return undefined;
  if (isRun !== shouldRun) return shouldRun ? 'refused, and valid' : 'answered, and invalid';
  if (!isRun || isVolatile) return undefined;
  // As text, since the order of the names counts.
  const [one, other] = [ours, reference].map(({ data }) => JSON.stringify(masked(data)));
  if (one !== other) {
    let at = 0;
    while (one[at] === other[at]) at += 1;
    const around = (text) => text.slice(Math.max(0, at - 80), at + 80);
    return `the data differ:\n  ${around(one)}\n  ${around(other)}`;
  }
  const [found, expected] = [ours, reference].map((answer) => errorPaths(answer));
  return found === expected ? undefined : `errors at ${found} instead of ${expected}`;
}

function masked(value) {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) =>
    [key, MASKED.test(key) && member !== null ? '(masked)' : masked(member)],
  );
  return Object.fromEntries(members);
}

/**
 * Where the errors are. Below a value that became null because of one of them, the specification leaves open whether others
 * are told.
 */
function errorPaths({ data, errors = [] }) {
  const paths = errors.map(({ path = [] }) => {
    let value = data;
    let nulled = [];
    for (const step of path) {
      if (value === null || value === undefined) return [...nulled, '…'];
      value = value[step];
      nulled = [...nulled, step];
    }
    return nulled;
  });
  const texts = paths.map((path) => JSON.stringify(path));
  return [...new Set(texts)].sort().join(' ');
}
