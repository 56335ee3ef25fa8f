/** The fields of a form with the values of an earlier task. Pure. */

import { isExact, stringify } from './json.js';

/**
 * The fields with the values that `params` has for them, and one of JSON for each value that has no field.
 * @param {import('./schema.js').Field[]} fields @param {Record<string, any>} params
 * @returns {import('./schema.js').Field[]}
 */
export function prefilled(fields, params) {
  const names = new Set(fields.map(({ name }) => name));
  const others = Object.keys(params).filter((name) => !names.has(name)).map(unknown);
  return [...fields, ...others].map((field) => (Object.hasOwn(params, field.name) ? withValue(field, params[field.name]) : field));
}

const unknown = (name) => /** @type {import('./schema.js').Field} */ ({
  name, input: 'json', required: false, nullable: false, title: name, choices: [], placeholder: '',
  description: 'Not a parameter that this kind describes. Empty it to leave it out', hint: 'JSON',
});

function withValue(field, value) {
  if (!fits(field, value)) return { ...field, hint: [field.hint, `It was ${stringify(value)}, which does not fit here`].filter(Boolean).join(' · ') };
  const lines = field.input === 'text' && /[\r\n]/.test(value); // a field of one line would lose them
  return { ...field, value, input: lines ? 'long' : field.input };
}

function fits({ input, choices, required, default: usual }, value) {
  if (input === 'json') return true;
  if (input === 'choice') return choices.includes(value) || (value === null && !required && usual == null);
  if (value === null) return true;
  if (input === 'boolean') return typeof value === 'boolean';
  if (input === 'integer' || input === 'number') return typeof value === 'number' || isExact(value);
  return typeof value === 'string';
}
