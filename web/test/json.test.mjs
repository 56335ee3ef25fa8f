import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAGE } from '../page.mjs';
import { load } from './modules.mjs';

const { Exact, parse, stringify } = await load('json.js');

const TOO_LONG = [
  '9007199254740992', '9007199254740993', '-9007199254740993', '18446744073709551617',
  '123456789012345678901234567890', '0.12345678901234567890123', '1e400',
];
const SAFE = ['1', '-1', '0', '0.1', '9007199254740991', 'null', 'true', '"12345678901234567890"', '"a\\"b: 12345678901234567890"'];

for (const digits of TOO_LONG) {
  test(`${digits} keeps its digits, as the nearest number and as text`, () => {
    const value = parse(digits);
    assert(value instanceof Exact);
    assert.equal(String(value), digits);
    assert.equal(value - 0, Number(digits));
    assert.equal(stringify(value), digits);
  });
}

for (const text of SAFE) {
  test(`${text} is a plain value`, () => {
    assert.deepEqual(parse(text), JSON.parse(text));
    assert.equal(stringify(parse(text)), text);
  });
}

test('digits are kept at any place of a value, and names and texts are left alone', () => {
  const text = '{"12345678901234567890":12345678901234567890,"list":[[9007199254740993],"\\ud83d\\ude00 9007199254740993"],"n":1}';
  const value = parse(text);
  assert.deepEqual(Object.keys(value), ['12345678901234567890', 'list', 'n']);
  assert.equal(typeof value.list[1], 'string');
  assert.equal(stringify(value), text.replace('\\ud83d\\ude00', '\u{1f600}'));
  assert.equal(stringify(value, 1).replace(/\n\s*|(?<=":) /g, ''), stringify(value));
});

test('a number keeps its digits from one script of the page to another', async () => {
  const later = await import(new URL('json.js?later', PAGE)); // as in a script that the page loads later
  assert(!(later.parse(TOO_LONG[0]) instanceof Exact));
  for (const digits of TOO_LONG) assert.equal(stringify([later.parse(digits)]), `[${digits}]`);
});

test('exponents are read as JavaScript reads them unless they overflow', () => {
  assert.equal(parse('1e3'), 1000);
  assert.equal(parse('-2.5E-3'), -0.0025);
  assert(parse('[1e309]')[0] instanceof Exact);
});

test('only whole numbers count as whole', () => {
  assert.equal(parse('18446744073709551617').isInteger, true);
  assert.equal(parse('0.12345678901234567890123').isInteger, false);
});

for (const text of ['{', '01234567890123456789', '[12345678901234567890', '{12345678901234567890: 1}', '-', '1.', 'NaN', '']) {
  test(`${JSON.stringify(text)} is not JSON`, () => assert.throws(() => parse(text), SyntaxError));
}

test('what has no JSON form is left out as by JSON.stringify', () => {
  assert.equal(stringify(undefined), undefined);
  assert.equal(stringify({ a: undefined, b: 1 }), '{"b":1}');
});
