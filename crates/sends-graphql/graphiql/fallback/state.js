// Tabs of the plain page: starter queries, the query of a shared link, and the user's edits.

import { sharedTab, starterTabs } from './service.js';
import { recall, remember } from './session.js';

const TABS = 'tabs';

export class Tabs {
  /** Tabs with their `query` and `variables`. The `running` request and the last `outcome` are only in memory. */
  all = [];
  active = 0;

  constructor() {
    const stored = recall(TABS);
    if (Array.isArray(stored?.all) && stored.all.length > 0) {
      this.all = stored.all.map(copy);
      this.active = stored.all[stored.active] ? stored.active : 0;
    } else {
      this.all = starterTabs.map(copy);
    }
    if (sharedTab) this.#open(sharedTab);
  }

  get current() {
    return this.all[this.active];
  }

  select(index) {
    this.active = index;
    this.keep();
  }

  add() {
    this.all.push(copy({}));
    this.select(this.all.length - 1);
  }

  closeCurrent() {
    this.all.splice(this.active, 1);
    if (this.all.length === 0) this.all.push(copy({}));
    this.select(Math.min(this.active, this.all.length - 1));
  }

  reset() {
    this.all = starterTabs.map(copy);
    this.select(0);
  }

  keep() {
    remember(TABS, { all: this.all.map(copy), active: this.active });
  }

  #open(tab) {
    const same = this.all.findIndex(({ query, variables }) => query === tab.query && variables === tab.variables);
    if (same < 0) this.all.unshift(copy(tab));
    this.select(Math.max(same, 0));
  }
}

function copy({ query, variables }) {
  return { query: String(query ?? ''), variables: String(variables ?? '') };
}

/** Returns the names of the operations in a document, ignoring comments and strings. */
export function operationNames(query) {
  const code = query.replaceAll(/#.*|"""[^]*?"""|"(?:\\.|[^"\\\n])*"/g, '');
  return [...code.matchAll(/(?:^|[}\s])(?:query|mutation|subscription)\s+(\w+)(?=\s*[({@])/g)].map(([, name]) => name);
}

export const titleOf = (tab) => operationNames(tab.query)[0] ?? (tab.query.trim() ? 'Unnamed' : 'New');
