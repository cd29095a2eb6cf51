// Checks of the service's responses.

/** Lists that must not be empty, at any depth. Other lists, such as the segments of a send, can be empty. */
const expected = ['nodes', 'groups', 'campaignActivities', 'sendHistory'];

/** Returns the paths of empty lists that must not be empty, and of top-level fields that are null. */
export function emptyLists(data) {
  const missing = Object.keys(data).filter((name) => data[name] === null);
  return [...missing, ...below(data, [])];
}

function below(value, path) {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value) && value.length === 0) return expected.includes(path.at(-1)) ? [path.join('.')] : [];
  return Object.entries(value).flatMap(([name, part]) => below(part, [...path, name]));
}
