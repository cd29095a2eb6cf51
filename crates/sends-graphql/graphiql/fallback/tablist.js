// The row of tabs, by the pattern of the ARIA authoring practices: one stop for the Tab key, arrows within.

import { byId, element } from './dom.js';
import { titleOf } from './state.js';

/** Shows the tabs. `chosen` is called with the index of another one. */
export function showTabs({ all, active }, chosen) {
  const buttons = all.map((tab, index) =>
    element('button', {
      type: 'button',
      role: 'tab',
      id: `tab-${index}`,
      textContent: titleOf(tab),
      tabIndex: index === active ? 0 : -1,
      'aria-selected': String(index === active),
      'aria-controls': 'panel',
      onclick: () => chosen(index),
    }),
  );
  const list = byId('tabs');
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...buttons);
  list.onkeydown = (event) => {
    const next = indexAfter(event.key, active, all.length);
    if (next === undefined) return;
    event.preventDefault();
    chosen(next);
  };
  byId('panel').setAttribute('aria-labelledby', `tab-${active}`);
  if (hadFocus) buttons[active].focus();
  buttons[active].scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** The title of the current tab changes while its query is typed. */
export function renameTab({ current, active }) {
  byId(`tab-${active}`).textContent = titleOf(current);
}

function indexAfter(key, index, count) {
  return {
    ArrowLeft: (index + count - 1) % count,
    ArrowRight: (index + 1) % count,
    Home: 0,
    End: count - 1,
  }[key];
}
