// The tabs of the plain page: the starter queries, the one of a shared link, and what was made of them.

import { sharedTab, starterTabs } from './service.js';
import { recall, remember } from './session.js';

const TABS = 'tabs';

export class Tabs {
  /** Each has a `query` and `variables`, and in memory alone what is `running` and the last `outcome`. */
  all = [];
  active = 0;

  constructor() {
    const kept = recall(TABS);
    if (Array.isArray(kept?.all) && kept.all.length > 0) {
      this.all = kept.all.map(copy);
      this.active = kept.all[kept.active] ? kept.active : 0;
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

/** The names of the operations in a document; what a comment or a string says is none. */
export function operationNames(query) {
  const code = query.replaceAll(/#.*|"""[^]*?"""|"(?:\\.|[^"\\\n])*"/g, '');
  return [...code.matchAll(/(?:^|[}\s])(?:query|mutation|subscription)\s+(\w+)(?=\s*[({@])/g)].map(([, name]) => name);
}

export const titleOf = (tab) => operationNames(tab.query)[0] ?? (tab.query.trim() ? 'Unnamed' : 'New');
