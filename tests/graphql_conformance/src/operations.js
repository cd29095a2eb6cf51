// Random operations over the schema, most of them valid.

import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  parseValue,
  valueFromASTUntyped,
} from 'graphql';

const DEEPEST = 6;
const MOST_SELECTIONS = 40;

/** Fields whose values change over time. Only whether they are null is compared. */
const VOLATILE = /^(fetchedAt|usedToday|remainingToday|remainingForBackground|queueLength|resetsAt|pausedUntil|estimatedCompleteAt)$/;
/** Response names of fields whose values are not compared. */
export const MASKED = /^volatile/;

/** Maximum depth below introspection fields, whose responses are long. */
const SCHEMA_DEPTH = 3;

/** Returns whether an operation selects a field that changes over time under an unmarked response name. */
export function isVolatile(text) {
  const unnamed = text.replace(/\bvolatile\w+\s*:\s*\w+/g, '');
  return (unnamed.match(/\w+/g) ?? []).some((word) => VOLATILE.test(word));
}

export class Operations {
  #schema;
  #pools;
  #random;

  constructor(schema, pools, random) {
    this.#schema = schema;
    this.#pools = pools;
    this.#random = random;
  }

  next() {
    const drawing = new Drawing(this.#schema, this.#pools, this.#random);
    return drawing.operation();
  }
}

class Drawing {
  /** Argument texts by field, reused so that mergeable fields occur. */
  #arguments = new Map();
  #declared = [];
  #given = {};
  #fragments = [];
  #aliases = new Map();
  #selections = 0;

  constructor(schema, pools, random) {
    this.schema = schema;
    this.pools = pools;
    this.random = random;
  }

  operation() {
    const { random } = this;
    const root = this.schema.getQueryType();
    const set = this.set(root, 0);
    const fragments = this.#fragments.filter((fragment) => fragment.isUsed).map((fragment) => fragment.text);
    const variables = this.#declared.length > 0 ? `(${this.#declared.join(random.pick([', ', ' ', '\n']))})` : '';
    const name = random.chance(0.5) || variables ? ` Q${variables}` : '';
    const head = name || random.chance(0.2) ? `query${name} ` : '';
    const parts = [head + set, ...fragments];
    if (random.chance(0.3)) parts.reverse();
    return { text: parts.join(random.pick([' ', '\n', '\n# comment "{\n'])), variables: this.#given };
  }

  set(type, depth) {
    const { random } = this;
    const count = 1 + random.below(depth === 0 ? 3 : 4);
    const selections = [];
    for (let index = 0; index < count; index += 1) {
      selections.push(this.selection(type, depth));
    }
    return `{ ${selections.join(random.pick([' ', ', ', '\n']))} }`;
  }

  selection(type, depth) {
    const { random } = this;
    this.#selections += 1;
    const isFull = this.#selections > MOST_SELECTIONS;
    if (!isFull && depth < DEEPEST + 2 && random.chance(0.25)) return this.inlineFragment(type, depth);
    if (!isFull && depth < DEEPEST + 2 && random.chance(0.15)) return this.spread(type, depth);
    return this.field(type, depth, isFull);
  }

  field(type, depth, isFull) {
    const { random } = this;
    const fields = type.getFields ? Object.values(type.getFields()) : [];
    const isLeaf = (field) => !isCompositeType(getNamedType(field.type));
    const isDeep = isFull || depth >= (type.name.startsWith('__') ? SCHEMA_DEPTH : DEEPEST);
    const possible = isDeep ? fields.filter(isLeaf) : fields;
    if (depth === 0 && random.chance(0.06)) return this.introspection();
    if (possible.length === 0 || random.chance(0.12)) {
      return `${this.alias('__typename', '')}__typename${this.directives()}`;
    }
    const field = random.pick(possible);
    const given = this.arguments(type, field);
    const key = VOLATILE.test(field.name) ? `volatile${field.name}: ` : this.alias(field.name, given);
    const below = isLeaf(field) ? '' : ` ${this.set(getNamedType(field.type), depth + 1)}`;
    return `${key}${field.name}${given}${this.directives()}${below}`;
  }

  introspection() {
    const { random } = this;
    const type = this.schema.getType(random.chance(0.2) ? '__Schema' : '__Type');
    const below = this.set(type, 1);
    if (type.name === '__Schema') return `${this.alias('__schema', '')}__schema ${below}`;
    const name = random.chance(0.05) ? 'Nothing' : random.pick(Object.keys(this.schema.getTypeMap()));
    const given = `(name: "${name}")`;
    return `${this.alias('__type', given)}__type${given} ${below}`;
  }

  /**
   * Returns a response name that only fields with the same name and arguments share. In rare cases, the name
   * conflicts.
   */
  alias(field, given) {
    const { random } = this;
    if (given === '' ? random.chance(0.75) : random.chance(0.2)) return '';
    if (field !== '__typename' && random.chance(0.01)) return `${random.pick(['id', 'a0', 'name'])}: `;
    const same = field + given;
    if (!this.#aliases.has(same)) this.#aliases.set(same, `a${this.#aliases.size}`);
    return `${this.#aliases.get(same)}: `;
  }

  directives() {
    const { random } = this;
    let text = '';
    for (const name of ['skip', 'include']) {
      if (!random.chance(0.08)) continue;
      const condition = random.chance(0.5)
        ? String(random.chance(name === 'skip' ? 0.4 : 0.6))
        : this.variable('Boolean!', () => String(random.chance(0.5)), { isDirective: true });
      text = random.chance(0.5) ? `${text} @${name}(if: ${condition})` : ` @${name}(if: ${condition})${text}`;
    }
    return text;
  }

  /** Returns the types that a fragment within this type can apply to. */
  conditions(type) {
    const possible = isAbstractType(type) ? this.schema.getPossibleTypes(type) : [];
    const interfaces = isObjectType(type) ? type.getInterfaces() : [];
    return [type, ...possible, ...interfaces];
  }

  inlineFragment(type, depth) {
    const { random } = this;
    if (random.chance(0.15)) return `...${this.directives()} ${this.set(type, depth + 1)}`;
    const on = random.pick(this.conditions(type));
    return `... on ${on.name}${this.directives()} ${this.set(on, depth + 1)}`;
  }

  spread(type, depth) {
    const { random } = this;
    const conditions = this.conditions(type);
    const fitting = this.#fragments.filter((fragment) => conditions.includes(fragment.on) && fragment.text);
    if (fitting.length > 0 && random.chance(0.5)) {
      const fragment = random.pick(fitting);
      fragment.isUsed = true;
      return `...${fragment.name}${this.directives()}`;
    }
    const on = random.pick(conditions);
    const fragment = { name: `F${this.#fragments.length}`, on, isUsed: true };
    this.#fragments.push(fragment);
    fragment.text = `fragment ${fragment.name} on ${on.name} ${this.set(on, depth + 1)}`;
    return `...${fragment.name}${this.directives()}`;
  }

  arguments(type, field) {
    const { random } = this;
    const of = `${type.name}.${field.name}`;
    if (this.#arguments.has(of) && random.chance(0.7)) return this.#arguments.get(of);
    const given = [];
    for (const argument of field.args) {
      if (!isRequiredArgument(argument) && !random.chance(0.3)) continue;
      given.push(`${argument.name}: ${this.value(argument.type, argument, `${of}.${argument.name}`)}`);
    }
    if (random.chance(0.3)) given.reverse();
    const text = given.length > 0 ? `(${given.join(', ')})` : '';
    this.#arguments.set(of, text);
    return text;
  }

  /** Returns a value of this type: a literal or a variable. */
  value(type, definition, of, isInside = false) {
    const { random } = this;
    const hasDefault = definition?.defaultValue !== undefined;
    if (random.chance(0.35)) {
      return this.variable(String(type), () => this.literal(type, of, true), { hasDefault });
    }
    if (!isNonNullType(type) && random.chance(isInside ? 0.08 : 0.12)) return 'null';
    return this.literal(type, of, false);
  }

  literal(type, of, isConstant) {
    const { random } = this;
    const nullable = isNonNullType(type) ? type.ofType : type;
    if (isListType(nullable)) {
      const item = nullable.ofType;
      if (random.chance(0.1)) return this.literal(item, of, isConstant);
      const items = Array.from({ length: random.below(4) }, () =>
        isConstant ? this.literal(item, of, true) : this.value(item, undefined, of, true),
      );
      return `[${items.join(random.pick([', ', ' ']))}]`;
    }
    if (isInputObjectType(nullable)) {
      const members = [];
      for (const field of Object.values(nullable.getFields())) {
        if (!random.chance(0.3)) continue;
        const inside = `${nullable.name}.${field.name}`;
        const value = isConstant ? this.literal(field.type, inside, true) : this.value(field.type, field, inside, true);
        members.push(`${field.name}: ${value}`);
      }
      return `{${members.join(', ')}}`;
    }
    if (isEnumType(nullable)) return random.pick(nullable.getValues()).name;
    return this.scalar(nullable.name, of);
  }

  scalar(name, of) {
    const { random, pools } = this;
    const unit = (code) => `\\u${code.toString(16).padStart(4, '0')}`;
    const escaped = (character) =>
      random.chance(0.3)
        ? `\\u{${character.codePointAt(0).toString(16)}}`
        : character.split('').map((half) => unit(half.charCodeAt(0))).join('');
    const written = (text) => {
      if (random.chance(0.05)) return /^[\w:. -]+$/.test(text) ? `"""${text}"""` : '"""a\n    b \\""" c\n  d """';
      if (random.chance(0.05)) return `"${[...text].map(escaped).join('')}"`;
      return JSON.stringify(text);
    };
    const argument = of.split('.').at(-1);
    switch (name) {
      case 'Boolean':
        return String(random.chance(0.5));
      case 'Int':
        if (argument === 'maxAge') return random.pick(['86400', '100000', '-1']);
        if (/reasonCodes/i.test(argument)) return random.pick(['0', '1', '5', '-0', '99']);
        return random.pick(['0', '1', '2', '3', '1', '2', '3', '-0', '-1']);
      case 'DateTime':
        return written(random.pick(pools.dates));
      case 'ID': {
        if (random.chance(0.04)) return random.pick(['7', '0', '-3', '"x"', '""']);
        const pool = pools.ids[of.split('.').at(-2)] ?? pools.ids[argument] ?? pools.ids.any;
        return written(random.pick(pool));
      }
      default: {
        const pool = pools.texts[argument] ?? ['a', '', '\u{1F600}', '"\\'];
        return written(random.pick(pool));
      }
    }
  }

  /** Returns a variable of this type, declared in one of the allowed ways. The variable may have no value. */
  variable(type, literal, { hasDefault = false, isDirective = false }) {
    const { random } = this;
    const name = `v${this.#declared.length}`;
    const isRequired = type.endsWith('!');
    const nullable = isRequired ? type.slice(0, -1) : type;
    let declared = type;
    let standard;
    if (random.chance(0.4)) standard = literal();
    if (isRequired) {
      // A nullable type is allowed where a default replaces a missing value.
      if ((standard !== undefined || hasDefault) && random.chance(0.6)) declared = nullable;
    } else if (random.chance(0.3)) {
      declared = `${type}!`;
    }
    const mark = standard === undefined ? '' : random.pick([` = ${standard}`, `=${standard}`]);
    this.#declared.push(`$${name}: ${declared}${mark}`);
    const mayBeNull = !declared.endsWith('!');
    const mayBeAbsent = mayBeNull || standard !== undefined;
    const roll = random.fraction();
    if (mayBeAbsent && roll < 0.35) return `$${name}`;
    if (mayBeNull && roll < (isDirective ? 0.4 : 0.5)) {
      this.#given[name] = null;
      return `$${name}`;
    }
    this.#given[name] = valueFromASTUntyped(parseValue(literal()));
    return `$${name}`;
  }
}
