/** Converts a kind's JSON Schema (2020-12, as msgspec writes it) to fields, and their input to parameters. Pure. */

import { number } from './format.js';
import { Exact, parse, stringify } from './json.js';

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} title
 * @property {string} description
 * @property {'text'|'file'|'long'|'integer'|'number'|'boolean'|'choice'|'json'} input
 * @property {boolean} required
 * @property {boolean} nullable
 * @property {any} default
 * @property {any} [value] of an earlier task, which is sent again unless something else is typed
 * @property {number|undefined} minimum
 * @property {number|undefined} maximum
 * @property {any[]} choices
 * @property {string} placeholder
 * @property {string} hint
 */

const LONG_TEXT = 1000;
const MAX_DEPTH = 16; // a $ref may be recursive

/** @returns {Field[]} */
export function fieldsOf(schema) {
  const object = resolve(schema, schema);
  const required = new Set(object.required ?? []);
  return Object.entries(object.properties ?? {}).map(([name, property]) => field(name, resolve(property, schema), required.has(name)));
}

export const describe = (schema) => resolve(schema, schema).description ?? '';

/** Resolves $ref, and a union of one type with null. */
function resolve(schema, root, depth = 0) {
  if (!schema || typeof schema !== 'object' || depth > MAX_DEPTH) return {};
  if (typeof schema.$ref === 'string') {
    const { $ref, ...rest } = schema;
    // The title of the target is the name of its type, not of this field.
    const { title, ...target } = resolve(lookUp(root, $ref), root, depth + 1);
    return { ...target, ...rest };
  }
  const branches = schema.anyOf ?? schema.oneOf;
  if (!Array.isArray(branches)) return schema;
  const others = branches.map((branch) => resolve(branch, root, depth + 1)).filter((branch) => branch.type !== 'null');
  const { anyOf, oneOf, ...rest } = schema;
  const nullable = others.length < branches.length;
  return others.length === 1 ? { ...others[0], ...rest, nullable } : { ...rest, nullable };
}

function lookUp(root, ref) {
  if (!ref.startsWith('#/')) return {};
  return ref.slice(2).split('/').reduce((node, part) => node?.[unescape(part)], root) ?? {};
}

const unescape = (part) => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** @returns {Field} */
function field(name, schema, required) {
  const input = inputOf(schema);
  const example = schema.examples?.[0];
  return {
    name, input, required, nullable: schema.nullable ?? false,
    title: schema.title ?? titleOf(name),
    description: schema.description ?? '',
    default: schema.default,
    minimum: schema.minimum ?? schema.exclusiveMinimum, maximum: schema.maximum ?? schema.exclusiveMaximum,
    choices: schema.const === undefined ? schema.enum ?? [] : [schema.const],
    placeholder: example === undefined ? '' : typeof example === 'string' ? example : stringify(example),
    hint: hintOf(schema, input),
  };
}

/** `max_pages` → "Max pages" */
const titleOf = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

function inputOf(schema) {
  if (schema.enum || schema.const !== undefined) return 'choice';
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  if (type === 'boolean' || type === 'integer' || type === 'number') return type;
  if (type !== 'string') return 'json';
  if (schema.format === 'headway-file') return 'file';
  const oneLine = schema.pattern || schema.format || (schema.maxLength ?? 0) < LONG_TEXT;
  return oneLine ? 'text' : 'long';
}

function hintOf(schema, input) {
  if (input === 'json') return schema.type === 'array' ? 'A JSON list' : schema.type === 'object' ? 'A JSON object' : 'JSON';
  if (input !== 'integer' && input !== 'number') return '';
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const high = schema.maximum ?? schema.exclusiveMaximum;
  if (low !== undefined && high !== undefined) return `${number(low)} to ${number(high)}`;
  return low !== undefined ? `At least ${number(low)}` : high !== undefined ? `At most ${number(high)}` : '';
}

/** What a field shows at first. */
export const initialValue = (field) => ('value' in field ? field.value : field.default);

/** The initial text of a field. */
export function initialText(field) {
  const value = initialValue(field);
  if (value === undefined || value === null) return '';
  return field.input === 'json' ? stringify(value, 1) : String(value);
}

/**
 * Converts the input of a field. Bounds and patterns are validated by the server alone.
 * @param {Field} field @param {string|boolean} raw
 * @returns {{value?: any, error?: string}} neither: leave the parameter out
 */
export function read(field, raw) {
  if (field.input === 'boolean') return { value: raw === true };
  const text = String(raw);
  if (field.input === 'choice') return readChoice(field, text);
  if (text.trim() === '') return readEmpty(field);
  if (['text', 'long', 'file'].includes(field.input)) return { value: text };
  return field.input === 'json' ? readJson(text) : readNumber(field, text);
}

const readChoice = (field, text) => {
  const value = field.choices.find((choice) => String(choice) === text);
  return value === undefined ? readEmpty(field) : { value };
};

function readEmpty(field) {
  if (field.required) return { error: 'is required' };
  // A cleared default differs from an unchanged one.
  const cleared = (field.input === 'text' || field.input === 'long') && field.default;
  if (cleared) return { value: field.nullable ? null : '' };
  return field.nullable && field.default !== undefined && field.default !== null ? { value: null } : {};
}

function readNumber(field, text) {
  const value = Number(text);
  if (!Number.isFinite(value)) return { error: 'must be a number' };
  if (field.input === 'integer' && !Number.isInteger(value)) return { error: 'must be a whole number' };
  return { value: Number.isSafeInteger(value) || !/^-?[1-9]\d*$/.test(text.trim()) ? value : new Exact(text.trim()) };
}

function readJson(text) {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { error: `is not JSON: ${error.message}` };
  }
}

/**
 * Groups the errors of a 422 response by parameter, and by label; the others are in `rest`.
 * @param {{pointer: string, detail: string}[]} errors @param {string[]} names of parameters @param {string[]} known labels
 */
export function errorsByField(errors, names, known = []) {
  /** @type {Map<string, string>} */
  const fields = new Map();
  const labels = new Map();
  const rest = [];
  for (const { pointer = '', detail = '' } of errors) {
    const [top, name, ...inner] = pointer.split('/').slice(1).map(unescape);
    if (known.includes(top)) labels.set(top, [labels.get(top), detail].filter(Boolean).join('; '));
    else if (top !== 'params' || !names.includes(name)) rest.push([pointer, detail].filter(Boolean).join(': '));
    else fields.set(name, [fields.get(name), inner.length ? `${inner.join('/')}: ${detail}` : detail].filter(Boolean).join('; '));
  }
  return { fields, labels, rest };
}
