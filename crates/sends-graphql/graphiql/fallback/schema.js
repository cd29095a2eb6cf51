// The schema, as the service tells it by introspection.

import { send } from './request.js';

/** One step from type to type, which is within what the service allows. Five wrappers are a list of lists, all required. */
const INTROSPECTION = `
  query Documentation {
    __schema {
      queryType { name }
      mutationType { name }
      types {
        kind name description
        fields(includeDeprecated: true) {
          name description isDeprecated deprecationReason
          args { ...Input }
          type { ...Type }
        }
        inputFields { ...Input }
        interfaces { name }
        possibleTypes { name }
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      }
    }
  }
  fragment Input on __InputValue { name description defaultValue type { ...Type } }
  fragment Type on __Type {
    kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }
  }
`;

/** The types by their names, and those that operations begin with. Throws with the reasons why not, one on each line. */
export async function loadSchema(headers) {
  const { json, problems } = await send({ query: INTROSPECTION, operationName: 'Documentation' }, headers);
  const schema = json?.data?.__schema;
  if (!schema) throw new Error(problems.map(({ text }) => text).join('\n') || 'The answer holds no schema.');
  const types = schema.types.filter(({ name }) => !name.startsWith('__'));
  types.sort((one, other) => one.name.localeCompare(other.name));
  return {
    types: new Map(types.map((type) => [type.name, type])),
    roots: [schema.queryType, schema.mutationType].filter(Boolean),
  };
}

/** The type behind lists and exclamation marks, and what stands before and behind its name. */
export function unwrap(type) {
  if (type.kind !== 'LIST' && type.kind !== 'NON_NULL') return { name: type.name, before: '', behind: '' };
  const { name, before, behind } = unwrap(type.ofType);
  return type.kind === 'LIST' ? { name, before: `[${before}`, behind: `${behind}]` } : { name, before, behind: `${behind}!` };
}

/** Types, fields, arguments and values whose name holds the text, types first. */
export function search({ types }, text) {
  const wanted = text.toLowerCase();
  const holds = ({ name }) => name.toLowerCase().includes(wanted);
  const all = [...types.values()];
  const members = all.flatMap((type) =>
    [...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])]
      .filter((member) => holds(member) || member.args?.some(holds))
      .map((member) => ({ type: type.name, member: member.name })),
  );
  return [...all.filter(holds).map(({ name }) => ({ type: name })), ...members];
}
