/** The list of tasks: one tab stop, with arrow keys inside. */

import { now } from './clock.js';
import { el, icon, setData, setIcon, setText, showText } from './element.js';
import { age, amount, capitalised, dateTime, percent } from './format.js';
import { cursorOf, filtersOf, withCursor } from './query.js';
import { TERMINAL } from './state.js';

export class List {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #selected = '';

  constructor() {
    this.items = el('ul', { class: 'tasks', keydown: (event) => this.#move(event), focusin: (event) => this.#enter(event.target) });
    this.words = el('span');
    this.clear = el('a', { href: '?' }, 'Clear the filters');
    this.note = el('p', { class: 'muted list-note', hidden: true }, this.words, this.clear);
    this.newest = el('a', { hidden: true }, 'Newest');
    this.older = el('a', { hidden: true });
    this.node = el('nav', { 'aria-label': 'Tasks, arrow keys move' }, this.note, this.items,
      el('p', { class: 'pager' }, this.newest, this.older));
  }

  /**
   * @param {any[]} summaries newest first
   * @param {string} search the query of the page's address
   * @param {string|null} cursor of what is older
   */
  show(summaries, search, cursor) {
    const rows = summaries.map((summary) => {
      const row = this.#rows.get(summary.task) ?? new Row(summary);
      row.update(summary.state);
      return row;
    });
    this.#rows = new Map(rows.map((row) => [row.task, row]));
    this.#place(rows);
    this.#showNote(rows.length, search, cursor);
    this.select(this.#selected);
    this.tick();
  }

  /** Shows the way back to all tasks, and to the newest: also before there is an answer. @param {string} search */
  locate(search) {
    this.clear.hidden = filtersOf(search).size === 0;
    this.note.hidden = this.clear.hidden;
    this.newest.hidden = !cursorOf(search);
    this.newest.href = withCursor(search, '');
  }

  #showNote(count, search, cursor) {
    this.locate(search);
    const filtered = !this.clear.hidden;
    const parts = filtersOf(search).has('parent') ? 'Parts of one task. ' : '';
    showText(this.words, count ? parts : filtered ? `No task matches${cursor ? ' among those searched' : ''}. ` : cursorOf(search) ? 'No older tasks.' : 'No tasks yet. Start one: it will appear here.');
    this.note.hidden = count > 0 && !filtered;
    this.older.hidden = !cursor;
    if (cursor) this.older.href = withCursor(search, cursor);
    setText(this.older, count ? 'Older' : 'Search older tasks');
  }

  /** Updates a row from the stream, which is ahead of the poll. @param {import('./state.js').TaskState} state */
  patch(state) {
    if (state.status) this.#rows.get(state.task)?.update(state);
  }

  select(task) {
    this.#selected = task;
    for (const row of this.#rows.values()) row.mark(row.task === task);
    if (!this.items.contains(document.activeElement)) this.#enter(this.#rows.get(task)?.link ?? this.items.querySelector('a'));
  }

  /** Makes this link the tab stop of the list. */
  #enter(link) {
    for (const row of this.#rows.values()) row.link.tabIndex = row.link === link ? 0 : -1;
  }

  #move(event) {
    const links = [...this.items.querySelectorAll('a')];
    const at = links.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    links[Math.min(Math.max(to, 0), links.length - 1)].focus();
  }

  /** Updates the ages. */
  tick() {
    for (const row of this.#rows.values()) row.tick();
  }

  /** Moves only rows that are out of place, so that the focus is kept. */
  #place(rows) {
    for (const child of [...this.items.children]) if (!rows.some((row) => row.node === child)) child.remove();
    rows.forEach((row, index) => {
      const there = this.items.children[index];
      if (there !== row.node) this.items.insertBefore(row.node, there ?? null);
    });
  }
}

/** One task, as the list and the tree of parts show it. */
export class Row {
  #n = -1;

  constructor({ task, kind, title, tags = [], reported, created }) {
    const facts = [title && title !== kind && kind, reported && 'reported'].filter(Boolean).join(' · ');
    this.task = task;
    this.created = created;
    this.age = el('time', { datetime: new Date(created * 1000).toISOString(), title: dateTime(created) });
    this.icon = icon('unknown');
    this.label = el('span', { class: 'word' });
    this.note = el('span', { class: 'note' });
    this.fill = el('span', { class: 'fill' });
    this.figure = el('span', { class: 'figure' });
    this.link = el('a', { class: 'row', href: `#${encodeURIComponent(task)}` },
      el('span', { class: 'row-top' }, el('span', { class: 'kind-name' }, title || kind), this.age),
      (facts || tags.length > 0) && el('span', { class: 'facts' }, facts, ...tags.map((tag) => el('span', { class: 'tag' }, tag))),
      el('span', { class: 'track', 'aria-hidden': 'true' }, this.fill),
      el('span', { class: 'row-end' }, el('span', { class: 'status' }, this.icon, this.label), this.note, this.figure));
    this.node = el('li', {}, this.link);
  }

  /** @param {any} state the latest progress event, or null */
  update(state) {
    if ((state?.n ?? 0) < this.#n) return; // the poll is older than the stream
    this.#n = state?.n ?? 0;
    const status = state?.status ?? 'queued';
    setData(this.link, 'status', status);
    setIcon(this.icon, status);
    setText(this.label, capitalised(status));
    setText(this.note, noteOf(state));
    setText(this.figure, TERMINAL.has(status) || !state?.progress ? '' : percent(state.progress));
    this.fill.style.width = `${state?.progress ?? 0}%`;
  }

  mark(selected) {
    if (selected) this.link.setAttribute('aria-current', 'page');
    else this.link.removeAttribute('aria-current');
  }

  tick() {
    setText(this.age, age(now() - this.created));
  }
}

function noteOf(state) {
  if (!state || state.status === 'queued') return '';
  if (state.status === 'error') return state.error?.message ?? state.message ?? '';
  const parts = state.unit === 'parts' && amount(state.done, state.total, 'parts'); // what marks a parent
  return [parts, ...(TERMINAL.has(state.status) ? [] : [state.state, state.step || state.message])].filter(Boolean).join(' · ');
}
