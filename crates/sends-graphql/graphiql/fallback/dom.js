// Creates DOM elements. Strings become text nodes and are never parsed as HTML.

/** Creates an element. `role` and names with a hyphen are attributes; other names are properties. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === 'role' || key.includes('-')) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);
