// Loads the schema by introspection.

import { send } from './request.js';

/**
 * Introspection query with one level of references between types, which is within the service's limit. Five nested
 * `ofType` fields suffice for lists of lists whose types are all non-null.
 */
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

/** Returns the types by name, and the root types. Throws an error with one reason per line. */
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

/** Returns the name of the innermost type, and the notation of its wrappers before and after the name. */
export function unwrap(type) {
  if (type.kind !== 'LIST' && type.kind !== 'NON_NULL') return { name: type.name, before: '', behind: '' };
  const { name, before, behind } = unwrap(type.ofType);
  return type.kind === 'LIST' ? { name, before: `[${before}`, behind: `${behind}]` } : { name, before, behind: `${behind}!` };
}

/** Returns the types, and then the members, whose name contains the text. A field also matches by its arguments. */
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
