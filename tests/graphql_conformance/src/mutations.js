// Small random changes to the text of an operation, most of which make it invalid.

export function mutate({ text, variables }, random, schema) {
  const tokens = text.match(/"""[^]*?"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|\.\.\.|[\w-]+|\$\w+|@\w+|[^\s\w]|\s+/g) ?? [];
  const words = tokens.map((token, index) => ({ token, index }));
  const places = (test) => words.filter(({ token }) => test(token)).map(({ index }) => index);
  const replace = (index, token) => tokens.with(index, token).join('');
  const at = (test) => {
    const found = places(test);
    return found.length > 0 ? random.pick(found) : undefined;
  };
  const types = Object.keys(schema.getTypeMap());
  const names = ['id', 'name', 'nothing', '__typename', 'sendHistory', 'stats', 'zone', 'first', ...types];
  const isName = (token) => /^[A-Za-z_]\w*$/.test(token);
  const values = ['1', '-0', '1.0', '1e3', '01', '2147483648', '"1"', '"UTC"', 'UTC', 'OLDEST_FIRST', 'null', 'true', '[]', '[[1]]', '{}', '{a: 1}', '{from: "x", from: "x"}', '$v0', '$undefined', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\u{1F600}"', '"""a\\"""b"""', '"\\q"', '"""', '"'];
  const changes = [
    // Removes, duplicates, replaces or truncates tokens.
    () => tokens.toSpliced(random.below(tokens.length), 1).join(''),
    () => {
      const index = random.below(tokens.length);
      return tokens.toSpliced(index, 0, tokens[index]).join(' ');
    },
    () => replace(random.below(tokens.length), random.pick(tokens)),
    () => replace(random.below(tokens.length), random.pick(['{', '}', '(', ')', '[', ']', '!', '$', '@', ':', '=', '|', '&', '...', '"', '\\', '\u0001', '\uFEFF', 'ü', '?', '.', '-'])),
    () => text.slice(0, random.below(text.length)),
    // Replaces a name, a type or a value.
    () => {
      const index = at(isName);
      return index === undefined ? text : replace(index, random.pick(names));
    },
    () => {
      const index = at((token) => /^("|-?\d|\$)/.test(token) || /^[A-Z_]{2,}$/.test(token));
      return index === undefined ? text : replace(index, random.pick(values));
    },
    () => text.replace(/\((\w+):/, (_, name) => `(${name}: 1, ${name}:`),
    () => text.replace(/\((\w+):/, (_, name) => `(${random.pick(names)}: ${random.pick(values)}, ${name}:`),
    () => text.replace(/\([^()$]*\)/, ''),
    () => text.replace(/: (\w+)!/, ': $1'),
    () => text.replace(/: \[(\w+)!?\]!?/, ': $1'),
    () => text.replace(/\$(\w+): (\w+)!?/, (_, name, type) => `$${name}: ${random.pick(['Int', 'String', 'ID', 'Boolean', 'Float', 'Nothing', 'Send', 'Node', `[${type}]`, `${type}!`, type])}`),
    () => text.replace(/\$(\w+): ([^,)=\s]+)/, (all) => `${all} @skip(if: true)`),
    () => text.replace(/\$(\w+): ([^,)=\s]+)/, (all) => `${all}, ${random.pick([all, '$unused: Int', '$unused: Nothing', '$unused: Int = "1"', '$unused: [ID!]! = [null]'])}`),
    // Adds syntax that is valid only on some fields.
    () => text.replace(/__typename/, `__typename${random.pick(['(a: 1)', ' { id }', ' @nothing', ' @skip', ' @skip(if: $undefined)', ' @skip(if: true) @skip(if: true)', ' @deprecated', ' @include(if: "true")'])}`),
    () => text.replace('{', `@${random.pick(['skip(if: true)', 'nothing', 'deprecated', 'specifiedBy(url: "a")'])} {`),
    () => {
      const index = at((token) => token === '}');
      return replace(index, ` ${random.pick(['__typename', 'id', 'id: __typename', 'nothing', '...Nothing', '... on Nothing { id }', '... on Int { id }', '... on PageInfo { hasNextPage }', '... { id }', '... on Node { id }', '... on Query { __typename }'])} }`);
    },
    // Adds or changes a definition.
    () => `${text} ${random.pick(['fragment Unused on Query { __typename }', 'fragment F0 on Query { __typename }', 'query Q { __typename }', '{ __typename }', 'fragment Round on Query { ...Round }', 'mutation M { __typename }', 'subscription S { __typename }', 'type T { a: Int }', 'fragment on on Query { __typename }', 'query R { __typename @skip(if: $v0) }'])}`,
    () => text.replace(/fragment (\w+) on (\w+)/, (_, name, type) => `fragment ${name} on ${random.pick(['Send', 'Node', 'Int', 'Nothing', 'SendHistoryFilter', type])}`),
    () => text.replace(/^\s*(query)?/, (head) => `${random.pick(['mutation', 'subscription', 'query', 'quer', 'query Q Q'])} `),
    // Changes only the variables.
    () => text,
  ];
  const change = random.pick(changes);
  let given = variables;
  if (random.chance(0.15)) {
    given = { ...variables };
    const known = Object.keys(given);
    const name = known.length > 0 ? random.pick(known) : 'v0';
    given[name] = random.pick([null, 1, 1.5, 1.0, -0, '1', 'UTC', true, [], [1], [null], [[1]], {}, { from: 'x' }, { statuses: null }, { nothing: 1 }, 2147483648, 9007199254740993]);
    if (random.chance(0.2)) delete given[name];
  }
  return { text: change(), variables: given };
}
