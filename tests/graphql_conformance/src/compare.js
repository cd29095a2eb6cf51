// Compares two responses to one operation.

import { MASKED } from './operations.js';

/**
 * Error that the specification requires and graphql-js does not report. graphql-js has no type for `__typename`, so
 * that `a: __typename` and `... on Other { a: nullableString }` pass as fields of the same type.
 */
const BY_THE_SPECIFICATION = /must not select different types using the same name/;

/** Returns the difference between two responses, or undefined if they are equivalent. */
export function difference(ours, reference, isVolatile) {
  const [isRun, shouldRun] = [ours, reference].map((answer) => 'data' in answer);
  if (!isRun && shouldRun && ours.errors.every(({ message }) => BY_THE_SPECIFICATION.test(message))) return undefined;
  if (isRun !== shouldRun) return shouldRun ? 'refused, and valid' : 'answered, and invalid';
  if (!isRun || isVolatile) return undefined;
  // Data is compared as text, because the order of the names is significant.
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
 * Returns the paths of the errors. Below a value that became null because of an error, the specification leaves open
 * whether further errors are reported.
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
