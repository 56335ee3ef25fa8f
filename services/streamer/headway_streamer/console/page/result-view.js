/** The result: objects as definition lists, lists of flat objects as tables, deeper values folded, and as JSON. */

import * as api from './api.js';
import { copyButton } from './copy-button.js';
import { el, icon, setText } from './element.js';
import { bytes, number, plural } from './format.js';
import { isExact, stringify } from './json.js';

const MAX_ROWS = 200;
const MAX_COLUMNS = 12;
const MAX_AUTOMATIC_BYTES = 1_000_000;
const OPEN_DEPTH = 1;

export class ResultView {
  #shown = undefined;
  #value = undefined;
  #raw = false;

  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.session = session;
    this.body = el('div', { class: 'result' });
    this.toggle = el('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false', click: () => this.#switch() }, 'JSON');
    this.download = el('button', { type: 'button', class: 'quiet', click: () => this.#save() }, icon('download'), 'Download');
    this.tools = el('div', { class: 'tools' }, this.toggle, copyButton('the result', () => pretty(this.#value), 'Copy'), this.download);
    this.node = el('section', { class: 'card part', 'aria-labelledby': 'result-heading', hidden: true },
      el('div', { class: 'part-head' }, el('h2', { id: 'result-heading' }, 'Result'), this.tools), this.body);
  }

  /** @param {import('./state.js').TaskState} state */
  render({ data }) {
    if (data === this.#shown) return;
    this.#shown = data;
    this.node.hidden = data === undefined || data === null;
    if (this.node.hidden) return;
    if (isLink(data)) this.#offer(data);
    else this.#show(data);
  }

  #offer(link) {
    this.tools.hidden = true;
    if (link.bytes <= MAX_AUTOMATIC_BYTES) return void this.#fetch();
    this.body.replaceChildren(
      el('p', {}, `The size of the result is ${bytes(link.bytes)}. `),
      el('p', { class: 'tools' }, el('button', { type: 'button', click: () => this.#fetch() }, 'Show it'),
        el('a', { href: api.taskUrl(this.session.task, '/result'), download: this.#name }, 'Download it')));
  }

  async #fetch() {
    this.body.replaceChildren(el('p', { class: 'muted' }, 'Fetching the result …'));
    try {
      this.#show(await api.result(this.session.task));
    } catch (error) {
      const again = el('button', { type: 'button', click: () => this.#fetch() }, 'Try again');
      this.body.replaceChildren(el('p', {}, `${error.advice.title}. ${error.advice.detail} `), again);
    }
  }

  #show(value) {
    this.#value = value;
    this.tools.hidden = false;
    this.body.replaceChildren(this.#raw ? el('pre', { class: 'json', tabindex: '0', 'aria-label': 'Result as JSON' }, pretty(value)) : this.#valueView(value));
  }

  /** The value; its plot, if it has one, is above the other fields and below warnings. */
  #valueView(value) {
    if (!isPlot(value?.plot)) return valueView(value);
    const { plot, ...rest } = value;
    const place = el('div', {}, el('p', { class: 'muted' }, 'Drawing …'));
    api.load('scatter').then(({ scatterView }) => place.replaceChildren(scatterView(plot) ?? valueView({ plot })), () => place.replaceChildren('The plot could not be loaded: its points are in the JSON.'));
    const view = el('div', {}, valueView(rest));
    const warnings = view.querySelector('.warnings');
    if (warnings) warnings.after(place);
    else view.prepend(place);
    return view;
  }

  #switch() {
    this.#raw = !this.#raw;
    this.toggle.setAttribute('aria-pressed', String(this.#raw));
    this.#show(this.#value);
  }

  get #name() { return `${this.session.kind || 'task'}-${this.session.task}.json`; }

  #save() {
    const href = URL.createObjectURL(new Blob([pretty(this.#value)], { type: 'application/json' }));
    el('a', { href, download: this.#name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }
}

const pretty = (value) => stringify(value, 2) ?? '';

const isNumber = (value) => typeof value === 'number' || isExact(value);
const isObject = (value) => !isFlat(value) && !Array.isArray(value);
const isFlat = (value) => typeof value !== 'object' || value === null || isExact(value);
const isRow = (value) => isObject(value) && Object.values(value).every(isFlat);

const isPlot = (value) => isObject(value) && value.type === 'scatter';

/** A large result is in the object store; the event contains a link. */
const isLink = (data) => isObject(data) && Object.keys(data).length === 2 && typeof data.href === 'string' && isNumber(data.bytes);

/** @param {any} value @returns {HTMLElement} */
export function valueView(value, depth = 0) {
  if (isFlat(value)) return flatView(value);
  if (Array.isArray(value)) return listView(value, depth);
  const entries = Object.entries(value);
  if (!entries.length) return el('span', { class: 'muted' }, 'empty');
  if (depth === 0 && isTexts(value.warnings)) return withWarnings(value);
  return el('dl', {}, ...entries.flatMap(([key, inner]) => definition(key, inner, depth)));
}

const isTexts = (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');

/** The field `warnings` of a result is shown first. */
function withWarnings({ warnings, ...rest }) {
  return el('div', {}, el('ul', { class: 'warnings', 'aria-label': 'Warnings' }, ...warnings.map((one) => el('li', {}, one))), valueView(rest));
}

function definition(key, inner, depth) {
  if (isFlat(inner) || isEmpty(inner) || isShort(inner)) return [el('dt', {}, key), el('dd', {}, valueView(inner, depth + 1))];
  const size = Array.isArray(inner) ? plural(inner.length, 'entry', 'entries') : plural(Object.keys(inner).length, 'field');
  const fold = el('details', { open: depth < OPEN_DEPTH }, el('summary', {}, key, el('span', { class: 'muted small' }, size)), valueView(inner, depth + 1));
  // The summary shows the key; a definition list needs a term for each definition nevertheless.
  return [el('div', { class: 'wide' }, el('dt', { class: 'unseen' }, key), el('dd', {}, fold))];
}

const isEmpty = (value) => Object.keys(value).length === 0;
const isShort = (value) => Array.isArray(value) && value.length <= 8 && value.every((one) => isFlat(one) && String(one).length < 24);

function listView(list, depth) {
  if (!list.length) return el('span', { class: 'muted' }, 'empty');
  if (list.every(isRow)) return tableView(list);
  if (isShort(list)) return el('span', {}, list.map(plainText).join(', '));
  return paged(el('ol', { class: 'values' }), list, (one) => el('li', {}, valueView(one, depth + 1)));
}

/** Adds the first MAX_ROWS entries, and a button for more. */
function paged(parent, list, view, shell = parent) {
  let shown = 0;
  const more = el('button', { type: 'button', class: 'quiet more', click: () => add() });
  const box = el('div', {}, shell, more);
  function add() {
    parent.append(...list.slice(shown, shown + MAX_ROWS).map(view));
    shown = Math.min(list.length, shown + MAX_ROWS);
    more.hidden = shown >= list.length;
    setText(more, `Show more (${number(list.length - shown)} left)`);
  }
  add();
  return box;
}

function tableView(rows) {
  const all = [...new Set(rows.slice(0, MAX_ROWS).flatMap(Object.keys))];
  const columns = all.slice(0, MAX_COLUMNS);
  const numeric = new Set(columns.filter((name) => rows.slice(0, MAX_ROWS).every((row) => row[name] == null || isNumber(row[name]))));
  const body = el('tbody');
  const head = el('tr', {}, ...columns.map((name) => el('th', { scope: 'col', class: numeric.has(name) ? 'numeric' : null }, name)));
  const cell = (row, name) => el('td', { class: numeric.has(name) ? 'numeric' : null }, row[name] === undefined ? '' : flatView(row[name]));
  const shell = el('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': 'Table' }, el('table', {}, el('thead', {}, head), body));
  const box = paged(body, rows, (row) => el('tr', {}, ...columns.map((name) => cell(row, name))), shell);
  if (all.length > columns.length) box.append(el('p', { class: 'muted small' }, `${plural(all.length - columns.length, 'more column')} in the JSON.`));
  return box;
}

const plainText = (value) => (value === null ? '—' : String(value));

function flatView(value) {
  if (typeof value === 'boolean') return el('span', {}, value ? 'yes' : 'no');
  const text = plainText(value);
  if (typeof value === 'string' && text.includes('\n')) return el('pre', { class: 'text', tabindex: '0', 'aria-label': 'Text' }, text);
  // Only these schemes: a result may contain untrusted text, such as a javascript: URL.
  if (/^https?:\/\/\S+$/.test(text)) return el('a', { href: text, rel: 'noreferrer noopener', target: '_blank' }, text);
  return el('span', { class: value === null ? 'muted' : null }, text);
}
