/** A button that puts text on the clipboard. */

import { el, icon, setText } from './element.js';

/** @param {string} what names it for screen readers @param {() => string} text @param {string} label shown; only an icon without */
export function copyButton(what, text, label = '') {
  const word = el('span', { class: label ? null : 'unseen' }, label || `Copy ${what}`);
  const button = el('button', { type: 'button', class: 'quiet copy', title: `Copy ${what}`, click: copy }, icon('copy'), word);
  return button;

  async function copy() {
    const done = await write(text());
    word.classList.remove('unseen');
    setText(word, done ? 'Copied' : 'Select it and copy by hand');
    setTimeout(() => {
      setText(word, label || `Copy ${what}`);
      word.classList.toggle('unseen', !label);
    }, 1600);
  }
}

/** The clipboard interface is there only on https and localhost. */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeByCommand(text);
  }
}

function writeByCommand(text) {
  const focused = document.activeElement;
  const area = el('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus?.();
  return done;
}
