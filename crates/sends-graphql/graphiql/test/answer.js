// Reading answers of the service.

/** Lists that an example has to fill, at any depth; others, such as the segments of a send, may be empty. */
const expected = ['nodes', 'groups', 'campaignActivities', 'sendHistory'];

/** The paths of expected lists without an element, and of null top-level fields. */
export function emptyLists(data) {
  const missing = Object.keys(data).filter((name) => data[name] === null);
  return [...missing, ...below(data, [])];
}

function below(value, path) {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value) && value.length === 0) return expected.includes(path.at(-1)) ? [path.join('.')] : [];
  return Object.entries(value).flatMap(([name, part]) => below(part, [...path, name]));
}
