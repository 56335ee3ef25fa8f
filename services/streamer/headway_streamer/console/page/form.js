/**
 * The form that starts a task: the kinds, and the fields of the selected kind's schema. It is a script of its own, which
 * the page loads when it first shows the form.
 */

import { el, icon, isOff, setOff, setText, showText } from './element.js';
import { describe, errorsByField, fieldsOf, initialText, read } from './schema.js';
import { span, plural } from './format.js';
import { stringify } from './json.js';

/** What may be said of a task of any kind. */
const LABELS = [
  { name: 'title', title: 'Title', input: 'label', maxlength: '200', description: 'What the list shows of the task' },
  { name: 'tags', title: 'Tags', input: 'label', description: 'Words to find it by, with commas between' },
];

const MAX_TAGS = 16;
const MAX_TAG_CHARS = 64;

/** @typedef {{field: import('./schema.js').Field, input: any, error: HTMLElement, row: HTMLElement, forget?: () => void}} Row */

export default class Form {
  #kinds = [];
  #drawn = '';
  #chosen = '';
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Map<string, Row>} */
  #labels = new Map(LABELS.map((label) => [label.name, rowOf(/** @type {any} */ (label), `task-${label.name}`)]));
  #sent = { body: '', key: '' };

  /** @param {typeof import('./api.js')} api @param {(task: string) => void} onStarted */
  constructor(api, onStarted) {
    this.api = api;
    this.onStarted = onStarted;
    this.choices = el('div', { class: 'kinds' });
    this.about = el('p', { class: 'muted about' });
    this.fields = el('div', { class: 'fields' });
    this.limits = el('p', { class: 'muted small' });
    this.problem = el('div', { class: 'box box-error', role: 'alert', hidden: true });
    this.button = el('button', { class: 'primary', type: 'submit' }, 'Start');
    this.form = el('form', { novalidate: true, submit: (event) => this.#submit(event), dragover: (event) => this.#drag(event), drop: (event) => this.#drop(event) },
      el('fieldset', { class: 'plain' }, el('legend', {}, 'Kind'), this.choices),
      el('div', { class: 'card form-card' }, this.about, this.fields, el('div', { class: 'fields' }, ...[...this.#labels.values()].map(({ row }) => row)), this.problem,
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
    this.#rows.clear();
    for (const field of fieldsOf(kind.params ?? {})) this.#rows.set(field.name, rowOf(field, `field-${field.name}`));
    const none = el('p', { class: 'muted' }, 'This kind has no parameters.');
    this.fields.replaceChildren(...(this.#rows.size ? [...this.#rows.values()].map(({ row }) => row) : [none]));
    setText(this.button, `Start ${kind.kind}`);
    setText(this.limits, limitsOf(kind));
    this.problem.hidden = true;
  }

  async #submit(event) {
    event.preventDefault();
    if (isOff(this.button)) return;
    const params = this.#read();
    const labels = params && this.#readLabels();
    if (!labels) return;
    this.problem.hidden = true;
    setOff(this.button, true);
    try {
      if (!await this.#upload(params)) return;
      const submission = { kind: this.#chosen, params, ...labels };
      const { task } = await this.api.submit(submission, this.#key(submission));
      this.#sent = { body: '', key: '' };
      this.onStarted(task);
    } catch (error) {
      if (!(error instanceof this.api.ApiError)) throw error;
      this.#showError422(error);
    } finally {
      setOff(this.button, false);
    }
  }

  /** Uploads what was chosen, and puts the ids into `params`. Returns whether all could be uploaded. */
  async #upload(params) {
    for (const made of this.#fileRows()) {
      const file = made.input.files[0];
      if (!file) continue;
      try {
        const { upload, forget } = await this.api.load('upload');
        made.forget = () => forget(file);
        params[made.field.name] = await upload(this.api, made.row, file);
      } catch (error) {
        if (!(error instanceof this.api.ApiError)) throw error;
        const { title, detail } = error.advice;
        showError(made, [title, detail].filter(Boolean).join(': '));
        made.input.focus();
        return false;
      }
    }
    return true;
  }

  #fileRows() {
    return [...this.#rows.values()].filter(({ field }) => field.input === 'file');
  }

  #drag(event) {
    if (this.#fileRows().length) event.preventDefault();
  }

  /** A file that is dropped anywhere on the form is for the first parameter that takes one. */
  #drop(event) {
    const [first] = this.#fileRows();
    if (!first || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    const chosen = this.#fileRows().find(({ input }) => input === event.target) ?? first;
    chosen.input.files = event.dataTransfer.files;
    showError(chosen, '');
  }

  /** The same content is sent with the same key until it is known to be stored: a lost answer starts nothing twice. */
  #key(submission) {
    const body = stringify(submission);
    if (this.#sent.body !== body) this.#sent = { body, key: this.api.randomKey() };
    return this.#sent.key;
  }

  #read() {
    const params = {};
    let wrong = null;
    for (const [name, { field, input }] of this.#rows) {
      const raw = field.input === 'boolean' ? input.checked : field.input === 'file' ? input.files[0]?.name ?? '' : input.validity.badInput ? 'x' : input.value;
      const { value, error = '' } = read(field, raw);
      showError(this.#rows.get(name), error);
      if (error) wrong ??= input;
      else if (value !== undefined) params[name] = value;
    }
    wrong?.focus();
    return wrong ? null : params;
  }

  #readLabels() {
    const [title, words] = ['title', 'tags'].map((name) => this.#labels.get(name).input.value.trim());
    const tags = words.split(',').map((word) => word.trim()).filter(Boolean);
    const error = faultOf(tags);
    showError(this.#labels.get('tags'), error);
    if (error) this.#labels.get('tags').input.focus();
    return error ? null : { ...(title && { title }), ...(tags.length > 0 && { tags }) };
  }

  #showError422(error) {
    const { fields, labels, rest } = errorsByField(error.errors, [...this.#rows.keys()], [...this.#labels.keys()]);
    const wrong = [...rowsWith(this.#rows, fields), ...rowsWith(this.#labels, labels)];
    for (const [row, message] of wrong) {
      showError(row, message);
      row.forget?.();
    }
    wrong[0]?.[0].input.focus();
    if (wrong.length && !rest.length) return;
    const { title, detail } = error.advice;
    const words = error.temporary ? ['Press Start again in a moment: the task will run only once.'] : [detail, ...rest];
    this.problem.replaceChildren(el('strong', {}, title), el('p', {}, words.filter(Boolean).join(' ')));
    this.problem.hidden = false;
  }
}

function faultOf(tags) {
  if (tags.length > MAX_TAGS) return `are more than ${MAX_TAGS}`;
  const long = tags.find((tag) => tag.length > MAX_TAG_CHARS);
  return long ? `“${long.slice(0, 16)}…” has more than ${MAX_TAG_CHARS} characters` : '';
}

/** The rows whose names have a message, in their order, each with it. */
const rowsWith = (rows, messages) => [...rows].filter(([name]) => messages.has(name)).map(([name, row]) => [row, messages.get(name)]);

/** @returns {Row} */
function rowOf(field, id) {
  const input = inputFor(field, id);
  const error = el('p', { class: 'field-error', id: `${id}-error`, hidden: true });
  const about = field.hint ? [field.description.replace(/\.$/, ''), field.hint].filter(Boolean).join(' · ') : field.description;
  const note = about && el('p', { class: 'field-about', id: `${id}-about` }, about);
  input.setAttribute('aria-describedby', `${note ? `${id}-about ` : ''}${id}-error`);
  const label = el('label', { for: id }, field.title,
    !field.required && field.input !== 'boolean' && field.default == null && el('span', { class: 'optional' }, 'optional'));
  const row = field.input === 'boolean'
    ? el('div', { class: 'field field-check' }, input, el('div', {}, label, note, error))
    : el('div', { class: `field field-${field.input}` }, label, input, note, error);
  const made = { field, input, error, row };
  input.addEventListener('input', () => showError(made, ''));
  return made;
}

function showError({ input, error }, message) {
  showText(error, message);
  if (message) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

function inputFor(field, id) {
  const common = { id, name: field.name, 'aria-required': field.required ? 'true' : null, autocomplete: 'off' };
  if (field.input === 'boolean') return el('input', { ...common, type: 'checkbox', checked: field.default === true });
  if (field.input === 'choice') return select(field, common);
  if (field.input === 'file') return el('input', { ...common, type: 'file' });
  const placeholder = field.placeholder || null;
  if (field.input === 'json' || field.input === 'long') {
    const area = el('textarea', { ...common, rows: '4', placeholder, spellcheck: 'false', class: field.input === 'json' ? 'code' : null });
    area.value = initialText(field);
    return area;
  }
  if (field.input === 'label') return el('input', { ...common, type: 'text', maxlength: field.maxlength });
  if (field.input === 'text') return el('input', { ...common, type: 'text', placeholder, spellcheck: 'false', value: initialText(field) });
  const step = field.input === 'integer' ? '1' : 'any';
  return el('input', { ...common, type: 'number', step, min: field.minimum, max: field.maximum, placeholder, value: initialText(field) });
}

function select(field, common) {
  const node = el('select', common);
  if (!field.required && field.default == null) node.append(el('option', { value: '' }, '—'));
  for (const choice of field.choices) node.append(el('option', { value: String(choice) }, String(choice) || '—'));
  node.value = initialText(field) || node.options[0]?.value || '';
  return node;
}

const firstSentence = (text) => /^[^]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;

function limitsOf({ timeout_seconds: timeout, retries, concurrency }) {
  return [
    timeout ? `times out after ${span(timeout)}` : '',
    retries ? `${plural(retries, 'retry', 'retries')} if it fails` : '',
    concurrency ? `${concurrency} at a time per processor` : '',
  ].filter(Boolean).join(' · ');
}
