// What is kept for as long as the browser's tab lives. A browser may forbid it; then nothing is kept.

// Invented data and a real account on the same address are kept apart.
const prefix = `sends-plain:${document.body.dataset.sandbox}:`;

export function remember(name, value) {
  try {
    sessionStorage.setItem(prefix + name, JSON.stringify(value));
  } catch {
    // Forbidden, or full.
  }
}

export function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(prefix + name));
  } catch {
    return null;
  }
}

export function forget(name) {
  try {
    sessionStorage.removeItem(prefix + name);
  } catch {
    // Forbidden.
  }
}
