/** The filters of the list. They are a script of their own, which the page loads when they are opened. */

import { el } from './element.js';
import { capitalised } from './format.js';
import { filtersOf } from './query.js';

const STATUSES = ['queued', 'processing', 'retrying', 'completed', 'error', 'cancelled'];
const PERIODS = { '': 'Any time', 3600: 'The last hour', 86400: 'The last day', 604800: 'The last 7 days', custom: 'Between …' };
const TYPING_MS = 300;
// Here, so that a page whose filters are closed does without it.
const STYLE = `
.filters { gap: .625rem; margin: 0 .25rem .875rem; padding: .75rem; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
.filters legend, .filters .field label { padding: 0; font-size: .75rem; font-weight: 500; color: var(--muted); }
.filters .field > input, .filters select { min-height: 2.125rem; padding: .25rem .5rem; font-size: var(--small); }
.statuses { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 0 .5rem; font-size: var(--small); }
.statuses label { display: inline-flex; align-items: center; gap: .375rem; min-height: 1.75rem; cursor: pointer; }
.statuses input { margin: 0; accent-color: var(--accent-fill); }
`;

/**
 * @typedef {object} Page
 * @property {(search: string, replace: boolean) => void} visit changes the query of the address
 * @property {() => any[]} known the tasks that are listed
 * @property {() => boolean} seesOthers whether the caller sees tasks of other owners
 */

export class Filters {
  #changed = '';
  #typing = 0;

  /** @param {typeof import('./api.js')} api @param {Page} page */
  constructor(api, page) {
    this.page = page;
    this.kindNames = el('datalist', { id: 'filter-kinds' });
    this.tagNames = el('datalist', { id: 'filter-tags' });
    this.period = el('select', { id: 'filter-within' }, ...Object.entries(PERIODS).map(([value, text]) => el('option', { value }, text)));
    this.owner = field('owner', 'Owner');
    this.between = el('div', { hidden: true }, field('since', 'From', { type: 'datetime-local' }), field('before', 'Until', { type: 'datetime-local' }));
    this.node = el('form', { id: 'filters', class: 'filters', role: 'search', 'aria-label': 'Filter tasks', input: (event) => this.#input(event), focusin: () => this.#suggest(), submit: (event) => this.#submit(event) },
      field('text', 'Text in title, kind, id or tags', { type: 'search', maxlength: '200' }),
      el('fieldset', { class: 'plain' }, el('legend', {}, 'Status'), el('div', { class: 'statuses' }, ...STATUSES.map(checkbox))),
      field('kind', 'Kind, or several with commas', { list: 'filter-kinds' }), this.kindNames,
      field('tag', 'Tags, with commas', { list: 'filter-tags' }), this.tagNames,
      this.owner,
      el('div', { class: 'field' }, el('label', { for: 'filter-within' }, 'Created'), this.period), this.between);
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    document.adoptedStyleSheets.push(style);
    this.#kinds(api);
    this.show();
  }

  /** Shows the filters of the address. */
  show() {
    const filters = filtersOf(location.search);
    this.owner.hidden = !this.page.seesOthers() && !filters.has('owner');
    if (String(filters) === String(this.#read())) return; // keeps what is being typed
    clearTimeout(this.#typing);
    this.#changed = '';
    for (const name of ['text', 'owner']) this.#field(name).value = filters.get(name) ?? '';
    for (const name of ['kind', 'tag']) this.#field(name).value = filters.getAll(name).join(', ');
    for (const name of ['since', 'before']) this.#field(name).value = localTime(Number(filters.get(name)));
    for (const box of this.#boxes()) box.checked = filters.getAll('status').includes(box.value);
    this.#showPeriod(filters);
  }

  focus() { if (!this.node.hidden) this.#field('text').focus(); }

  #showPeriod(filters) {
    const within = filters.get('within') ?? '';
    if (!Object.hasOwn(PERIODS, within)) this.period.append(el('option', { value: within }, `The last ${within} s`));
    this.period.value = filters.has('since') || filters.has('before') ? 'custom' : within;
    this.between.hidden = this.period.value !== 'custom';
  }

  /** @returns {any} */
  #field(name) { return this.node.querySelector(`#filter-${name}`); }

  #boxes() { return [...this.node.querySelectorAll('[type=checkbox]')]; }

  /** The filters of the fields. */
  #read() {
    const custom = this.period.value === 'custom';
    const words = (name) => this.#field(name).value.split(',').map((word) => word.trim());
    const time = (name) => (custom ? secondsOf(this.#field(name).value) : '');
    const found = {
      parent: [filtersOf(location.search).get('parent') ?? ''], // has no field: links lead to it
      text: [this.#field('text').value.trim()],
      status: this.#boxes().filter((box) => box.checked).map((box) => box.value),
      kind: words('kind'), tag: words('tag'), owner: [this.#field('owner').value.trim()],
      since: [time('since')], before: [time('before')], within: [custom ? '' : this.period.value],
    };
    return filtersOf(new URLSearchParams(Object.entries(found).flatMap(([name, values]) => values.map((value) => [name, value]))).toString());
  }

  #input({ target }) {
    this.between.hidden = this.period.value !== 'custom';
    clearTimeout(this.#typing);
    const typed = target.matches('input:not([type=checkbox])');
    this.#typing = setTimeout(() => this.#apply(typed ? target.id : ''), typed ? TYPING_MS : 0);
  }

  #submit(event) {
    event.preventDefault();
    clearTimeout(this.#typing);
    this.#apply(document.activeElement?.id ?? '');
  }

  /** Further characters in a field replace the entry in the history that the first one made. */
  #apply(typed) {
    const filters = this.#read();
    if (String(filters) === String(filtersOf(location.search))) return;
    const replace = typed !== '' && typed === this.#changed;
    this.#changed = typed;
    this.page.visit(`?${filters}`, replace);
  }

  async #kinds(api) {
    const kinds = await api.kinds().catch(() => []);
    this.kinds = kinds.map(({ kind }) => kind);
    this.#suggest();
  }

  #suggest() {
    const known = this.page.known();
    offer(this.kindNames, [...this.kinds ?? [], ...known.map(({ kind }) => kind)]);
    offer(this.tagNames, known.flatMap(({ tags = [] }) => tags));
  }
}

function field(name, label, attributes = {}) {
  const id = `filter-${name}`;
  return el('div', { class: 'field' }, el('label', { for: id }, label),
    el('input', { id, type: 'text', autocomplete: 'off', spellcheck: 'false', ...attributes }));
}

const checkbox = (status) => el('label', {}, el('input', { type: 'checkbox', value: status }), capitalised(status));

function offer(list, words) {
  const sorted = [...new Set(words)].sort();
  if (list.dataset.words === sorted.join()) return;
  list.dataset.words = sorted.join();
  list.replaceChildren(...sorted.map((value) => el('option', { value })));
}

/** In the local time zone, as `datetime-local` has it; '' for no time. */
function localTime(seconds) {
  if (!(seconds > 0)) return '';
  const date = new Date(seconds * 1000);
  return new Date(seconds * 1000 - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const secondsOf = (local) => (local ? String(new Date(local).getTime() / 1000) : '');
