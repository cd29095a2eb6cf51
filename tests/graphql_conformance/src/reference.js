// Executes operations with graphql-js over the data of the service.
//
// A resolver reads its field with a separate query that selects nothing else: the fields on the path, each with all of
// its arguments written out, without aliases, variables, directives or a second field. The result of graphql-js
// therefore depends on the values alone, and not on how the service executes the operation.

import {
  GraphQLError,
  GraphQLSchema,
  __Directive,
  __DirectiveLocation,
  __Schema,
  __Type,
  astFromValue,
  buildSchema,
  execute,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  print,
  validate,
} from 'graphql';

const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)$/;

/** Returns the schema of graphql-js, in the order in which the service reports it. */
export async function referenceSchema(sdl, ask) {
  const built = buildSchema(sdl);
  const config = built.toConfig();
  // Removes additions of graphql-js from drafts after the specification of October 2021.
  delete __Type.getFields().isOneOf;
  delete __Directive.getFields().isDeprecated;
  delete __Directive.getFields().deprecationReason;
  __Schema.getFields().directives.args = [];
  const locations = __DirectiveLocation.getValues();
  locations.splice(locations.findIndex(({ name }) => name === 'DIRECTIVE_DEFINITION'), 1);
  const directives = config.directives.filter((directive) => directive.name !== 'oneOf');
  for (const directive of directives) {
    directive.locations = directive.locations.filter((location) => location !== 'DIRECTIVE_DEFINITION');
  }
  const schema = new GraphQLSchema({ ...config, directives, assumeValid: true });

  const dateTime = schema.getType('DateTime');
  dateTime.parseValue = (value) => {
    if (typeof value !== 'string' || !DATE_TIME.test(value) || Number.isNaN(Date.parse(value))) {
      throw new GraphQLError('not a date');
    }
    return value;
  };
  dateTime.parseLiteral = (literal) => dateTime.parseValue(literal.kind === 'StringValue' ? literal.value : undefined);

  const timeZone = schema.getType('TimeZone');
  timeZone.parseValue = (value) => {
    if (typeof value !== 'string') throw new GraphQLError('not a time zone');
    // The constructor throws for an unknown name.
    if (value !== 'ACCOUNT') new Intl.DateTimeFormat('en', { timeZone: value });
    return value;
  };
  timeZone.parseLiteral = (literal) => timeZone.parseValue(literal.kind === 'StringValue' ? literal.value : undefined);

  // The specification does not define the order of these lists.
  const reported = await ask(`{
    __schema { types { name fields { name } } directives { name } }
    __type(name: "Node") { possibleTypes { name } }
  }`);
  const inOrder = (items, names) => {
    const byName = new Map(items.map((item) => [item.name, item]));
    const missing = items.filter((item) => !names.includes(item.name)).map((item) => item.name);
    const unknown = names.filter((name) => !byName.has(name));
    if (missing.length + unknown.length > 0) {
      throw new Error(`introspection lacks ${missing} and invents ${unknown}`);
    }
    return names.map((name) => byName.get(name));
  };
  const names = (items) => items.map((item) => item.name);
  const { types, directives: reportedDirectives } = reported.data.__schema;
  __Schema.getFields().types.resolve = (of) => inOrder(Object.values(of.getTypeMap()), names(types));
  __Schema.getFields().directives.resolve = (of) => inOrder(of.getDirectives(), names(reportedDirectives));
  for (const { name, fields } of types.filter((type) => type.name.startsWith('__') && type.fields)) {
    const defined = schema.getType(name).getFields();
    for (const field of inOrder(Object.values(defined), names(fields))) {
      delete defined[field.name];
      defined[field.name] = field;
    }
  }
  const possible = inOrder([...schema.getPossibleTypes(schema.getType('Node'))], names(reported.data.__type.possibleTypes));
  __Type.getFields().possibleTypes.resolve = (type) => (isAbstractType(type) ? possible : undefined);
  return schema;
}

export class Reference {
  #schema;
  #ask;
  #answers = new Map();

  constructor(schema, ask) {
    this.#schema = schema;
    this.#ask = ask;
  }

  get queryCount() {
    return this.#answers.size;
  }

  mistakes(document) {
    return validate(this.#schema, document);
  }

  async execute(document, variables, operationName) {
    const answer = await execute({
      schema: this.#schema,
      document,
      variableValues: variables,
      operationName,
      rootValue: { steps: [], indexes: [], path: [] },
      fieldResolver: (source, args, _context, info) => this.#resolve(source, args, info),
      typeResolver: (source) => source.typename,
    });
    return JSON.parse(JSON.stringify(answer));
  }

  async #resolve(source, args, info) {
    const { parentType, fieldName } = info;
    const definition = parentType.getFields()[fieldName];
    const written = definition.args
      .filter((argument) => Object.hasOwn(args, argument.name))
      .map((argument) => `${argument.name}: ${print(literal(args[argument.name], argument.type))}`);
    const step = {
      on: parentType.name,
      field: fieldName,
      text: written.length > 0 ? `${fieldName}(${written.join(', ')})` : fieldName,
    };
    const steps = [...source.steps, step];
    const isComposite = isCompositeType(getNamedType(definition.type));
    const below = isComposite ? ' { __typename }' : '';
    const query = steps.reduceRight((inner, { on, text }, level) => {
      const field = `${text}${inner}`;
      return level === 0 ? `{ ${field} }` : ` { ... on ${on} { ${field} } }`;
    }, below);
    const { data, errors } = await this.#answer(query);

    const failures = new Map((errors ?? []).map((error) => [JSON.stringify(error.path), error]));
    const failure = (path) => {
      const failed = failures.get(JSON.stringify(path));
      return failed && new GraphQLError(failed.message);
    };
    const indexes = [...source.indexes];
    const path = [];
    let value = data;
    for (const [level, { field }] of steps.entries()) {
      path.push(field);
      if (value === null || value === undefined) break;
      value = value[field];
      while (level < steps.length - 1 && Array.isArray(value)) {
        const index = indexes.shift();
        path.push(index);
        value = value[index];
      }
    }
    const handle = (item, taken, at) => {
      if (item === null || item === undefined) {
        const failed = failure(at);
        if (failed) throw failed;
        return null;
      }
      if (Array.isArray(item)) {
        return item.map((one, index) => {
          try {
            return handle(one, [...taken, index], [...at, index]);
          } catch (failed) {
            return failed;
          }
        });
      }
      return isComposite ? { typename: item.__typename, steps, indexes: taken } : item;
    };
    return handle(value, source.indexes, path);
  }

  #answer(query) {
    let answer = this.#answers.get(query);
    if (!answer) {
      answer = this.#ask(query).then((found) => {
        if (!('data' in found)) throw new Error(`refused: ${query}\n${JSON.stringify(found)}`);
        return found;
      });
      this.#answers.set(query, answer);
    }
    return answer;
  }
}

/** Converts a coerced value to a literal, including explicit nulls. */
function literal(value, type) {
  if (value === null || value === undefined) return { kind: 'NullValue' };
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (isListType(nullable) && Array.isArray(value)) {
    return { kind: 'ListValue', values: value.map((item) => literal(item, nullable.ofType)) };
  }
  if (typeof nullable.getFields === 'function') {
    const fields = nullable.getFields();
    const members = Object.entries(value).map(([name, member]) => ({
      kind: 'ObjectField',
      name: { kind: 'Name', value: name },
      value: literal(member, fields[name].type),
    }));
    return { kind: 'ObjectValue', fields: members };
  }
  return astFromValue(value, nullable);
}
