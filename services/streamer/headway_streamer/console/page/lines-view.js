/** The log lines of a task. */

import { el, setText, showText } from './element.js';
import { clockTime, dateTime, plural } from './format.js';
import { MAX_LINES } from './state.js';

const NEAR_END = 24;

export class LinesView {
  #last = null;

  constructor() {
    this.items = el('ol');
    this.box = el('div', { class: 'lines', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-labelledby': 'log-heading' }, this.items);
    this.count = el('span', { class: 'muted small' });
    this.note = el('p', { class: 'muted small', hidden: true });
    this.node = el('section', { class: 'card part', hidden: true },
      el('div', { class: 'part-head' }, el('h2', { id: 'log-heading' }, 'Log'), this.count), this.note, this.box);
  }

  /** @param {import('./state.js').TaskState} state */
  render({ lines, linesLeftOut }) {
    const last = lines.at(-1) ?? null;
    if (last === this.#last) return;
    this.node.hidden = !last;
    const known = this.#last ? lines.lastIndexOf(this.#last) : -1;
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR_END;
    if (known < 0) this.items.replaceChildren();
    this.items.append(...lines.slice(known + 1).map(lineView));
    while (this.items.childElementCount > MAX_LINES) this.items.firstChild.remove();
    if (atEnd) this.box.scrollTop = this.box.scrollHeight;
    this.#last = last;
    setText(this.count, plural(lines.length + linesLeftOut, 'line'));
    showText(this.note, linesLeftOut ? `${plural(linesLeftOut, 'earlier line')} no longer shown.` : '');
  }
}

const lineView = ({ at, level, message, logger }) =>
  el('li', { class: 'line', 'data-level': level },
    el('time', { title: dateTime(at) }, clockTime(at)), el('span', { class: 'level' }, level), el('span', { class: 'line-text' }, message, logger && el('span', { class: 'logger' }, logger)));
