/** The jobs that were given up: why, with what parameters; to submit again or to drop. Loaded when it is shown first. */

import { now } from './clock.js';
import { el, icon, showText } from './element.js';
import { age, plural } from './format.js';
import { stringify, parse } from './json.js';

const STYLE = `
.letters { display: grid; gap: .75rem; }
.letter { display: grid; gap: .5rem; padding: 1rem 1.25rem; }
.letter h2 { overflow-wrap: anywhere; }
.letter textarea { width: 100%; min-height: 7rem; font-family: var(--mono, monospace); }
.letter pre { overflow: auto; max-height: 16rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.letter-actions { display: flex; flex-wrap: wrap; gap: .5rem; }
`;
const path = (api, rest) => api.url(`api/v1/dead-letters${rest}`);
const FORBIDDEN = 'Your account needs the scope dead:read. Ask who gives out the tokens.';

export default class DeadLetters {
  /** @type {Map<string, Letter>} */
  #shown = new Map();
  #cursor = null;
  #further = false;

  /** @param {typeof import('./api.js')} api @param {(task: string) => void} onSubmitted */
  constructor(api, onSubmitted) {
    this.api = api;
    this.onSubmitted = onSubmitted;
    this.title = 'Dead letters';
    this.heading = el('h1', { tabindex: '-1' }, this.title);
    this.summary = el('p', { class: 'muted', role: 'status' }, 'Loading …');
    this.items = el('ul', { class: 'letters' });
    this.more = el('button', { type: 'button', hidden: true, click: () => this.#read(this.#cursor) }, 'Show more');
    this.node = el('article', { class: 'new' },
      el('a', { class: 'back', href: '#' }, icon('back'), 'All tasks'), this.heading, this.summary, this.items, this.more);
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    document.adoptedStyleSheets.push(style);
  }

  /** Asks for the dead letters again, unless somebody edits one or has gone on to further ones. */
  async refresh() {
    if (!this.#further && ![...this.#shown.values()].some((letter) => letter.open)) await this.#read('');
  }

  async #read(cursor) {
    try {
      const found = await this.api.call(path(this.api, cursor && `?cursor=${cursor}`));
      const before = this.#shown;
      this.#shown = new Map(cursor ? before : []);
      for (const one of found.dead_letters) this.#shown.set(one.id, before.get(one.id) ?? new Letter(this, one));
      this.#cursor = found.cursor;
      this.#further ||= Boolean(cursor);
      this.#show();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param {string} id */
  remove(id) {
    this.#shown.delete(id);
    this.#show();
    this.heading.focus();
  }

  fail(error) {
    if (!(error instanceof this.api.ApiError)) throw error;
    if (error.status === 401) return;
    showText(this.summary, error.status === 403 && !this.#shown.size ? FORBIDDEN : `${error.advice.title}. ${error.advice.detail}`);
  }

  #show() {
    const letters = [...this.#shown.values()];
    const same = letters.length === this.items.children.length && letters.every(({ node }, place) => this.items.children[place] === node);
    if (!same) this.items.replaceChildren(...letters.map(({ node }) => node));
    this.more.hidden = !this.#cursor;
    showText(this.summary, letters.length ? `${plural(letters.length, 'job')} given up, the oldest first` : 'No job was given up.');
  }
}

class Letter {
  open = false;

  constructor(view, one) {
    this.view = view;
    this.one = one;
    this.detail = el('div', { hidden: true });
    this.toggle = el('button', { type: 'button', 'aria-expanded': 'false', click: () => this.#toggle() },
      one.resubmittable ? 'Look at it and resubmit' : 'Look at it');
    this.node = el('li', { class: 'card letter' },
      el('h2', {}, one.kind || 'unknown kind'),
      el('p', {}, one.reason || one.problem),
      el('p', { class: 'facts' }, el('span', {}, `number ${one.id}`), el('span', {}, one.at ? age(now() - one.at) : ''),
        one.task ? el('a', { href: `#${encodeURIComponent(one.task)}` }, 'its task') : ''),
      el('div', { class: 'letter-actions' }, this.toggle,
        el('button', { type: 'button', click: () => this.#drop() }, 'Drop')),
      this.detail);
  }

  async #toggle() {
    this.open = !this.open;
    this.toggle.setAttribute('aria-expanded', String(this.open));
    this.detail.hidden = !this.open;
    if (!this.open) return;
    await this.#try(async () => {
      const whole = await this.view.api.call(this.#path());
      this.detail.replaceChildren(...(whole.params ? this.#form(whole) : [
        el('p', {}, `It cannot be resubmitted: ${whole.problem}.`), el('pre', { tabindex: '0' }, whole.raw ?? '')]));
    });
  }

  #form(whole) {
    const text = el('textarea', { id: `params-${this.one.id}`, spellcheck: 'false' });
    text.value = stringify(whole.params, 2);
    return [el('label', { for: text.id }, 'Parameters, as JSON'), text,
      el('button', { type: 'button', click: () => this.#resubmit(text) }, 'Resubmit')];
  }

  #resubmit(text) {
    return this.#try(async () => {
      let params;
      try {
        params = parse(text.value);
      } catch {
        throw new this.view.api.ApiError(422, '', 'The parameters are not JSON.');
      }
      this.view.onSubmitted((await this.view.api.send('POST', this.#path('/resubmit'), { params })).task);
    });
  }

  #drop() {
    if (!confirm(`Drop dead letter ${this.one.id} for all time?`)) return;
    this.#try(async () => {
      await this.view.api.send('DELETE', this.#path(), {});
      this.view.remove(this.one.id);
    });
  }

  #path(rest = '') {
    return path(this.view.api, `/${this.one.id}${rest}`);
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      this.view.fail(error);
    }
  }
}
