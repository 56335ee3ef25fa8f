/** The fields of a kind's parameters: what is typed in them, uploads, and the errors of an answer at their fields. */

import { el, showText } from './element.js';
import { errorsByField, initialText, initialValue, read } from './schema.js';

/** @typedef {{field: import('./schema.js').Field, input: any, error: HTMLElement, row: HTMLElement, initial: string|boolean, keep?: HTMLInputElement, forget?: () => void}} Row */

export class Parameters {
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /** @param {typeof import('./api.js')} api @param {Map<string, Row>} labels rows beside those of parameters, which have errors too */
  constructor(api, labels = new Map()) {
    this.api = api;
    this.labels = labels;
    this.node = el('div', { class: 'fields' });
    this.problem = el('div', { class: 'box box-error', role: 'alert', hidden: true });
    /** For the form around it: a file that is dropped anywhere on it is for the first parameter that takes one. */
    this.drops = { dragover: (event) => this.#drag(event), drop: (event) => this.#drop(event) };
  }

  /** @param {import('./schema.js').Field[]} fields */
  show(fields) {
    this.#rows = new Map(fields.map((field) => [field.name, rowOf(field, `field-${field.name}`)]));
    const none = el('p', { class: 'muted' }, 'This kind has no parameters.');
    this.node.replaceChildren(...(this.#rows.size ? [...this.#rows.values()].map(({ row }) => row) : [none]));
    this.problem.hidden = true;
  }

  /** What was typed; null if some of it cannot be read, which is then said at its field. */
  read() {
    this.problem.hidden = true;
    const params = {};
    let wrong = null;
    for (const [name, made] of this.#rows) {
      const { field, input, initial, keep } = made;
      const raw = rawOf(field, input);
      const { value, error = '' } = 'value' in field && raw === initial && keep?.checked !== false ? field : read(field, raw);
      showError(made, error);
      if (error) wrong ??= input;
      else if (value !== undefined) params[name] = value;
    }
    wrong?.focus();
    return wrong ? null : params;
  }

  /** Uploads what was chosen, and puts the ids into `params`. Returns whether all could be uploaded. */
  async upload(params) {
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

  #drop(event) {
    const [first] = this.#fileRows();
    if (!first || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    const chosen = this.#fileRows().find(({ input }) => input === event.target) ?? first;
    chosen.input.files = event.dataTransfer.files;
    showError(chosen, '');
  }

  /**
   * Shows an error at the fields that it names, and the rest of it below them.
   * @param {import('./api.js').ApiError} error @param {string} again what to do after one that is temporary
   */
  fail(error, again) {
    const { fields, labels, rest } = errorsByField(error.errors, [...this.#rows.keys()], [...this.labels.keys()]);
    const wrong = [...rowsWith(this.#rows, fields), ...rowsWith(this.labels, labels)];
    for (const [row, message] of wrong) {
      showError(row, message);
      row.forget?.();
    }
    wrong[0]?.[0].input.focus();
    if (wrong.length && !rest.length) return;
    const { title, detail } = error.advice;
    const words = error.temporary ? [again] : [detail, ...rest];
    this.problem.replaceChildren(el('strong', {}, title), el('p', {}, words.filter(Boolean).join(' ')));
    this.problem.hidden = false;
  }
}

function rawOf(field, input) {
  if (field.input === 'boolean') return input.checked;
  if (field.input === 'file') return input.files[0]?.name ?? '';
  return input.validity.badInput ? 'x' : input.value;
}

/** The rows whose names have a message, in their order, each with it. */
const rowsWith = (rows, messages) => [...rows].filter(([name]) => messages.has(name)).map(([name, row]) => [row, messages.get(name)]);

/** @returns {Row} */
export function rowOf(field, id) {
  const input = inputFor(field, id);
  const error = el('p', { class: 'field-error', id: `${id}-error`, hidden: true });
  const about = field.hint ? [field.description.replace(/\.$/, ''), field.hint].filter(Boolean).join(' · ') : field.description;
  const note = about && el('p', { class: 'field-about', id: `${id}-about` }, about);
  input.setAttribute('aria-describedby', `${note ? `${id}-about ` : ''}${id}-error`);
  const label = el('label', { for: id }, field.title,
    !field.required && field.input !== 'boolean' && field.default == null && el('span', { class: 'optional' }, 'optional'));
  const keep = field.input === 'file' && field.value ? el('input', { id: `${id}-keep`, type: 'checkbox', checked: true }) : null;
  const row = field.input === 'boolean'
    ? el('div', { class: 'field field-check' }, input, el('div', {}, label, note, error))
    : el('div', { class: `field field-${field.input}` }, label, input, keep && el('div', { class: 'field-check' }, keep, el('label', { for: keep.id }, 'The earlier file, unless another one is chosen')), note, error);
  const made = { field, input, error, row, initial: rawOf(field, input), keep };
  row.addEventListener('input', () => showError(made, ''));
  return made;
}

export function showError({ input, error }, message) {
  showText(error, message);
  if (message) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

function inputFor(field, id) {
  const common = { id, name: field.name, 'aria-required': field.required ? 'true' : null, autocomplete: 'off' };
  if (field.input === 'boolean') return el('input', { ...common, type: 'checkbox', checked: initialValue(field) === true });
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
