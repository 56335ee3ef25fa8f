/**
 * The form that starts a task: the kinds, and the fields of the selected kind's schema. It is a script of its own, which
 * the page loads when it first shows the form.
 */

import { el, icon, isOff, setOff, setText, showText } from './element.js';
import { describe, fieldsOf } from './schema.js';
import { span, plural } from './format.js';
import { stringify } from './json.js';
import { Parameters, rowOf, showError } from './parameters.js';

export { Parameters, fieldsOf }; // the script for a retry uses them

/** What may be said of a task of any kind. */
const LABELS = [
  { name: 'title', title: 'Title', input: 'label', maxlength: '200', description: 'What the list shows of the task' },
  { name: 'tags', title: 'Tags', input: 'label', description: 'Words to find it by, with commas between' },
];

const MAX_TAGS = 16;
const MAX_TAG_CHARS = 64;

export default class Form {
  #kinds = [];
  #drawn = '';
  #chosen = '';
  /** @type {Map<string, import('./parameters.js').Row>} */
  #labels = new Map(LABELS.map((label) => [label.name, rowOf(/** @type {any} */ (label), `task-${label.name}`)]));
  #sent = { body: '', key: '' };

  /** @param {typeof import('./api.js')} api @param {(task: string) => void} onStarted */
  constructor(api, onStarted) {
    this.api = api;
    this.onStarted = onStarted;
    this.choices = el('div', { class: 'kinds' });
    this.about = el('p', { class: 'muted about' });
    this.parameters = new Parameters(api, this.#labels);
    this.limits = el('p', { class: 'muted small' });
    this.button = el('button', { class: 'primary', type: 'submit' }, 'Start');
    this.form = el('form', { novalidate: true, submit: (event) => this.#submit(event), ...this.parameters.drops },
      el('fieldset', { class: 'plain' }, el('legend', {}, 'Kind'), this.choices),
      el('div', { class: 'card form-card' }, this.about, this.parameters.node, el('div', { class: 'fields' }, ...[...this.#labels.values()].map(({ row }) => row)), this.parameters.problem,
        el('div', { class: 'form-end' }, this.button, this.limits)));
    this.empty = el('div', { class: 'empty' });
    this.form.hidden = true;
    this.heading = el('h1', { tabindex: '-1' }, 'New task');
    this.node = el('article', { class: 'new' },
      el('a', { class: 'back', href: '#' }, icon('back'), 'All tasks'), this.heading, this.empty, this.form);
    this.#showEmpty('Loading …', '');
  }

  /** @param {any[]} kinds */
  showKinds(kinds) {
    const sorted = [...kinds].sort((a, b) => a.kind.localeCompare(b.kind));
    const drawn = stringify(sorted);
    if (drawn === this.#drawn) return; // keeps the input
    this.#drawn = drawn;
    this.#kinds = sorted;
    this.form.hidden = sorted.length === 0;
    this.empty.hidden = sorted.length > 0;
    if (!sorted.length) this.#showEmpty('No kinds yet', 'Is a processor running? It publishes its kinds when it starts, and they will appear here.');
    this.choices.replaceChildren(...sorted.map((kind) => this.#choice(kind)));
    const keep = sorted.find((kind) => kind.kind === this.#chosen) ?? sorted[0];
    if (keep) this.#choose(keep);
  }

  /** @param {import('./api.js').ApiError} error */
  showFailure(error) {
    if (!this.#kinds.length) this.#showEmpty(error.advice.title, error.advice.detail);
  }

  #showEmpty(title, detail) {
    this.empty.replaceChildren(el('h2', {}, title), el('p', { class: 'muted' }, detail));
  }

  #choice(kind) {
    const input = el('input', { type: 'radio', name: 'kind', value: kind.kind, change: () => this.#choose(kind) });
    return el('label', { class: 'kind' }, input,
      el('span', { class: 'kind-name' }, kind.kind),
      el('span', { class: 'kind-about' }, firstSentence(kind.description || describe(kind.params ?? {}))),
      kind.live === false && el('span', { class: 'kind-about' }, 'No processor offers it now.'));
  }

  #choose(kind) {
    this.#chosen = kind.kind;
    for (const input of this.choices.querySelectorAll('input')) input.checked = input.value === kind.kind;
    const about = kind.description || describe(kind.params ?? {});
    showText(this.about, about === firstSentence(about) ? '' : about);
    this.parameters.show(fieldsOf(kind.params ?? {}));
    setText(this.button, `Start ${kind.kind}`);
    setText(this.limits, limitsOf(kind));
  }

  async #submit(event) {
    event.preventDefault();
    if (isOff(this.button)) return;
    const params = this.parameters.read();
    const labels = params && this.#readLabels();
    if (!labels) return;
    setOff(this.button, true);
    try {
      if (!await this.parameters.upload(params)) return;
      const submission = { kind: this.#chosen, params, ...labels };
      const { task } = await this.api.submit(submission, this.#key(submission));
      this.#sent = { body: '', key: '' };
      this.onStarted(task);
    } catch (error) {
      if (!(error instanceof this.api.ApiError)) throw error;
      this.parameters.fail(error, 'Press Start again in a moment: the task will run only once.');
    } finally {
      setOff(this.button, false);
    }
  }

  /** The same content is sent with the same key until it is known to be stored: a lost answer starts nothing twice. */
  #key(submission) {
    const body = stringify(submission);
    if (this.#sent.body !== body) this.#sent = { body, key: this.api.randomKey() };
    return this.#sent.key;
  }

  #readLabels() {
    const [title, words] = ['title', 'tags'].map((name) => this.#labels.get(name).input.value.trim());
    const tags = words.split(',').map((word) => word.trim()).filter(Boolean);
    const error = faultOf(tags);
    showError(this.#labels.get('tags'), error);
    if (error) this.#labels.get('tags').input.focus();
    return error ? null : { ...(title && { title }), ...(tags.length > 0 && { tags }) };
  }
}

function faultOf(tags) {
  if (tags.length > MAX_TAGS) return `are more than ${MAX_TAGS}`;
  const long = tags.find((tag) => tag.length > MAX_TAG_CHARS);
  return long ? `“${long.slice(0, 16)}…” has more than ${MAX_TAG_CHARS} characters` : '';
}

const firstSentence = (text) => /^[^]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;

function limitsOf({ timeout_seconds: timeout, retries, concurrency }) {
  return [
    timeout ? `times out after ${span(timeout)}` : '',
    retries ? `${plural(retries, 'retry', 'retries')} if it fails` : '',
    concurrency ? `${concurrency} at a time per processor` : '',
  ].filter(Boolean).join(' · ');
}
