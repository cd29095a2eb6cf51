// Adds indentation to the text area of the query.

const INDENT = '  ';

/**
 * Makes Tab, Shift+Tab, Enter and closing brackets indent the query. After Esc, Tab moves the focus as in other
 * fields.
 */
export function makeEditor(area) {
  let leaving = false;
  area.addEventListener('keydown', (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const indent = isPlain && !(leaving && event.key === 'Tab') && !event.isComposing && KEY_HANDLERS[event.key];
    if (event.key !== 'Shift') leaving = event.key === 'Escape';
    if (indent && indent(area, event.shiftKey)) event.preventDefault();
  });
}

/** Moves the cursor to the location of an error. Lines and columns start at 1. */
export function goTo(area, { line, column }) {
  const lines = area.value.split('\n').slice(0, line - 1);
  const start = lines.reduce((length, text) => length + text.length + 1, 0) + column - 1;
  area.focus();
  area.setSelectionRange(start, start);
}

/** Key handlers. Each handler returns whether the default action of the key must be prevented. */
const KEY_HANDLERS = {
  Tab(area, isBack) {
    const { start, end, text } = selectedLines(area);
    const lines = text.split('\n');
    if (!isBack && area.selectionStart === area.selectionEnd) {
      replace(area, area.selectionStart, area.selectionEnd, INDENT);
      return true;
    }
    const shifted = lines.map((line) => (isBack ? line.replace(/^ {1,2}/, '') : INDENT + line)).join('\n');
    if (shifted !== text) {
      replace(area, start, end, shifted);
      area.setSelectionRange(lines.length > 1 ? start : start + shifted.length, start + shifted.length);
    }
    return true;
  },

  Enter(area) {
    const before = area.value.slice(0, area.selectionStart);
    const line = before.slice(before.lastIndexOf('\n') + 1);
    const margin = line.match(/^ */)[0];
    const opens = /[{([]\s*$/.test(line);
    const closes = /^\s*[})\]]/.test(area.value.slice(area.selectionEnd));
    const below = opens && closes ? `\n${margin}` : '';
    replace(area, area.selectionStart, area.selectionEnd, `\n${margin}${opens ? INDENT : ''}${below}`);
    const at = area.selectionStart - below.length;
    area.setSelectionRange(at, at);
    return true;
  },

  '}': closeBracket('}'),
  ')': closeBracket(')'),
  ']': closeBracket(']'),
};

/** Removes a level of indentation before a closing bracket that is alone on its line. */
function closeBracket(bracket) {
  return (area) => {
    const { selectionStart: at, value } = area;
    const lineStart = value.lastIndexOf('\n', at - 1) + 1;
    const margin = value.slice(lineStart, at);
    if (!/^ {2,}$/.test(margin) || at !== area.selectionEnd) return false;
    replace(area, lineStart, at, margin.slice(INDENT.length) + bracket);
    return true;
  };
}

function selectedLines(area) {
  const start = area.value.lastIndexOf('\n', area.selectionStart - 1) + 1;
  const newline = area.value.indexOf('\n', area.selectionEnd);
  const end = newline < 0 ? area.value.length : newline;
  return { start, end, text: area.value.slice(start, end) };
}

/** Replaces text with an editing command of the browser, so that the user can undo the change. */
function replace(area, start, end, text) {
  area.setSelectionRange(start, end);
  const command = text ? 'insertText' : 'delete';
  if (!document.execCommand(command, false, text)) {
    area.setRangeText(text, start, end, 'end');
    area.dispatchEvent(new Event('input'));
  }
}
