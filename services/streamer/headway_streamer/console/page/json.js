/** JSON without loss of digits: a JavaScript number has only 53 bits. Pure. */

/** A number that JavaScript cannot represent, with its source text. Converts to the nearest number and to its digits. */
export class Exact {
  /** @param {string} source */
  constructor(source) { this.source = source; }
  get isInteger() { return /^-?\d+$/.test(this.source); }
  toString() { return this.source; }
  [Symbol.toPrimitive](hint) { return hint === 'string' ? this.source : Number(this.source); }
}

/** Whether it is an `Exact`, also one of a script that the page loaded later, which has a class of its own. */
export const isExact = (value) => Boolean(value?.[Symbol.toPrimitive]);

// Prefix of the digits while they pass through JSON as a string; random, so that no input can contain it.
const MARK = `exact-${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join('')}:`;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');
const TOKENS = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const SUSPICIOUS = /[\d.]{16}|\d[eE]/;
const MAX_DIGITS = 17; // a double has no more

/** Like JSON.parse, but numbers that would lose digits become `Exact`. */
export function parse(text) {
  const plain = JSON.parse(text);
  if (!SUSPICIOUS.test(text)) return plain;
  const marked = text.replace(TOKENS, (token) => (isSafe(token) ? token : `"${MARK}${token}"`));
  return marked === text ? plain : JSON.parse(marked, (_, value) => (isMarked(value) ? new Exact(value.slice(MARK.length)) : value));
}

/** Like JSON.stringify; an `Exact` is written with its source text. */
export const stringify = (value, space) =>
  JSON.stringify(value, (_, one) => (isExact(one) ? MARK + one.source : one), space)?.replace(MARKED, '$1');

const isMarked = (value) => typeof value === 'string' && value.startsWith(MARK);

function isSafe(token) {
  if (token.startsWith('"')) return true;
  const value = Number(token);
  if (!/[.eE]/.test(token)) return Number.isSafeInteger(value);
  const digits = token.replace(/[eE].*/, '').replace(/\D/g, '').replace(/^0+/, '');
  return Number.isFinite(value) && digits.length <= MAX_DIGITS;
}
