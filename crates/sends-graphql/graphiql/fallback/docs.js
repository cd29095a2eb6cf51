// Schema documentation: a page for each type, an overview of all types, and a search.

import { byId, element } from './dom.js';
import { search, unwrap } from './schema.js';

const KINDS = {
  OBJECT: 'Object',
  INTERFACE: 'Interface',
  UNION: 'Union',
  ENUM: 'Enum',
  INPUT_OBJECT: 'Input',
  SCALAR: 'Scalar',
};

/** Maximum number of displayed search results. */
const MAX_RESULTS = 60;

/** Shows the documentation of a schema, starting with the overview. */
export function showSchema(schema) {
  const trail = [];
  const field = byId('search');
  field.value = '';
  field.disabled = false;
  field.oninput = () => (field.value.trim() ? show(results(field.value.trim())) : show(page()));

  function open(name, member) {
    trail.push(name);
    field.value = '';
    show(page());
    const target = member && document.getElementById(anchor(member));
    target?.scrollIntoView({ block: 'start' });
    (target ?? byId('docs-page').querySelector('h3')).focus({ preventScroll: true });
  }

  function back() {
    trail.pop();
    show(page());
    byId('docs-page').querySelector('h3').focus({ preventScroll: true });
  }

  const page = () => (trail.length ? typePage(schema.types.get(trail.at(-1))) : firstPage());

  function firstPage() {
    const types = [...schema.types.values()];
    const lists = Object.entries(KINDS).flatMap(([kind, title]) => related(`${title}s`, types.filter((type) => type.kind === kind)));
    return [heading('Schema'), ...related('Operations begin with', schema.roots), ...lists];
  }

  function typePage(type) {
    return [
      element('button', { type: 'button', className: 'link', onclick: back }, trail.length > 1 ? `‹ ${trail.at(-2)}` : '‹ Schema'),
      heading(type.name, KINDS[type.kind]),
      ...described(type),
      ...related('Implements', type.interfaces),
      ...related(type.kind === 'UNION' ? 'One of' : 'Implemented by', type.possibleTypes),
      ...members('Fields', type.fields),
      ...members('Fields', type.inputFields),
      ...members('Values', type.enumValues),
    ];
  }

  function related(title, types) {
    return types?.length ? [element('h4', {}, title), listOf(types.map(({ name }) => link(name)))] : [];
  }

  function members(title, all) {
    return all?.length ? [element('h4', {}, title), element('ul', { className: 'members' }, ...all.map(member))] : [];
  }

  function member(one) {
    const name = element('strong', { id: anchor(one.name), tabIndex: -1 }, one.name);
    const args = one.args?.length ? [element('ul', { 'aria-label': `Arguments of ${one.name}` }, ...one.args.map(member))] : [];
    const preset = one.defaultValue ? ` = ${one.defaultValue}` : '';
    const signature = element('code', {}, name, ...(one.type ? [': ', typed(one.type), preset] : []));
    return element('li', {}, signature, ...described(one), ...args);
  }

  function typed(type) {
    const { name, before, behind } = unwrap(type);
    return element('span', { className: 'type' }, before, link(name), behind);
  }

  function results(text) {
    const found = search(schema, text);
    const shown = found.slice(0, MAX_RESULTS).map((result) => link(result.type, result.member));
    const more = found.length > shown.length ? `, the first ${shown.length} of them below` : '';
    return [heading(`${found.length} found${more}`), listOf(shown)];
  }

  function link(name, memberName) {
    const text = memberName ? `${name}.${memberName}` : name;
    return element('button', { type: 'button', className: 'link', onclick: () => open(name, memberName) }, text);
  }

  show(page());
}

/** Shows why the schema is unavailable, with one reason per line and a button to retry. */
export function showNoSchema(why, tryAgain) {
  byId('search').disabled = true;
  show([
    heading('No documentation'),
    element('p', {}, 'The service did not tell its schema:'),
    ...why.split('\n').map((reason) => element('p', {}, reason)),
    element('button', { type: 'button', className: 'quiet', onclick: tryAgain }, 'Load again'),
  ]);
}

export function showLoading() {
  byId('search').disabled = true;
  show([element('p', {}, 'Loading the schema…')]);
}

function show(nodes) {
  byId('docs-page').replaceChildren(...nodes);
  byId('docs-page').scrollTop = 0;
}

function heading(text, kind) {
  return element('h3', { tabIndex: -1 }, text, ...(kind ? [' ', element('small', {}, kind)] : []));
}

const listOf = (items) => element('ul', {}, ...items.map((item) => element('li', {}, item)));

/** Returns the paragraphs of a description, preceded by the reason for a deprecation. */
function described({ description, isDeprecated, deprecationReason }) {
  const text = (description ?? '').split(/\n\s*\n/).filter(Boolean);
  const against = element('p', { className: 'deprecated' }, `Deprecated: ${deprecationReason ?? 'no reason given'}`);
  return [...(isDeprecated ? [against] : []), ...text.map((part) => element('p', {}, ...withCode(part)))];
}

/** Renders text between backticks as code. */
function withCode(text) {
  return text.split('`').map((part, index) => (index % 2 ? element('code', {}, part) : part));
}

const anchor = (member) => `member-${member}`;
