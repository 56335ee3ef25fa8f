/** A button that copies text to the clipboard. */

import { el, icon, setText } from './element.js';

/** @param {string} what name for screen readers @param {() => string} text @param {string} label visible text; without one only an icon */
export function copyButton(what, text, label = '') {
  const word = el('span', { class: label ? null : 'unseen' }, label || `Copy ${what}`);
  const button = el('button', { type: 'button', class: 'quiet copy', title: `Copy ${what}`, click: copy }, icon('copy'), word);
  return button;

  async function copy() {
    const done = await write(text());
    word.classList.remove('unseen');
    setText(word, done ? 'Copied' : 'Select the text to copy it');
    setTimeout(() => {
      setText(word, label || `Copy ${what}`);
      word.classList.toggle('unseen', !label);
    }, 1600);
  }
}

/** The clipboard API is available only on https and localhost. */
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
