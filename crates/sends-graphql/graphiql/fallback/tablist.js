// Tab list that follows the ARIA authoring practices: Tab focuses the list, and arrow keys move between its tabs.

import { byId, element } from './dom.js';
import { titleOf } from './state.js';

/** Shows the tabs. `chosen` is called with the index of the tab that the user selects. */
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

/** Updates the title of the current tab while its query is edited. */
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
