// Values in the browser's session storage. If the browser forbids access to the storage, nothing is stored.

// Data of the sandbox and of a real account at the same address are separate.
const prefix = `sends-plain:${document.body.dataset.sandbox}:`;

export function remember(name, value) {
  try {
    sessionStorage.setItem(prefix + name, JSON.stringify(value));
  } catch {
    // The browser forbids access, or the storage is full.
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
    // The browser forbids access.
  }
}
