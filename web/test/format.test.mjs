import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from './modules.mjs';

const { age, amount, bytes, capitalised, left, number, percent, plural, rate, span } = await load('format.js');
const { parse } = await load('json.js');

/** With plain spaces, so that the tables below can be read. */
const plain = (text) => text.replaceAll('\u00a0', ' ');

/** A test for each row: arguments, and what they are shown as. */
function table(name, format, rows) {
  describe(name, () => {
    for (const [args, expected] of rows) {
      test(`${JSON.stringify(args)} is shown as ${JSON.stringify(expected)}`, () => assert.equal(plain(format(...args)), expected));
    }
  });
}

table('percent is rounded down and stays within its bounds', percent, [
  [[0], '0 %'], [[99.99], '99 %'], [[100], '100 %'], [[-3], '0 %'], [[250], '100 %'],
]);

table('numbers have a decimal only when they are small', number, [
  [[0], '0'], [[1.25], '1.3'], [[99.94], '99.9'], [[100.4], '100'], [[1234567], '1,234,567'], [[-1234.5], '-1,235'],
]);

test('a whole number that a float cannot hold keeps its digits', () => {
  assert.equal(number(parse('12345678901234567891')), '12,345,678,901,234,567,891');
});

table('bytes have decimal units', bytes, [
  [[0], '0 B'], [[999], '999 B'], [[1000], '1 kB'], [[1500000], '1.5 MB'], [[3e12], '3 TB'], [[5e16], '50,000 TB'],
]);

table('amounts name the total and the unit where there is one', amount, [
  [[42, 100, 'pages'], '42 of 100 pages'], [[42, undefined, 'pages'], '42 pages'], [[42, undefined], '42'],
  [[1500, 3e6, 'B'], '1.5 kB of 3 MB'], [[1500, undefined, 'bytes'], '1.5 kB'],
]);

table('rates are per the time that gives a readable number', rate, [
  [[3.14, 'pages'], '3.1 pages/s'], [[0.2, 'pages'], '12 pages/min'], [[0.01, 'pages'], '36 pages/h'],
  [[1.5], '1.5/s'], [[2000, 'B'], '2 kB/s'],
]);

table('durations have two units at most', span, [
  [[-1], '0 s'], [[0.84], '0.8 s'], [[9.94], '9.9 s'], [[9.96], '10 s'], [[59.4], '59 s'], [[59.6], '1 min'],
  [[125], '2 min 5 s'], [[3600], '1 h'], [[3840], '1 h 4 min'], [[86400], '1 d'], [[90000], '1 d 1 h'],
]);

table('the time left is as coarse as its estimate', left, [
  [[0], 'a few seconds left'], [[4.9], 'a few seconds left'], [[11], 'about 15 s left'], [[54], 'about 55 s left'],
  [[55], 'about 1 min left'], [[569], 'about 9 min left'], [[720], 'about 10 min left'], [[3420], 'about 55 min left'],
  [[3500], 'about 1 h left'], [[5400], 'about 1 h 30 min left'], [[40000], 'about 11 h left'],
]);

table('ages are rounded down', age, [
  [[0.9], 'just now'], [[59.9], '59 s ago'], [[119], '1 min ago'], [[7199], '1 h ago'], [[172799], '1 d ago'],
]);

table('counts of one are singular', plural, [
  [[1, 'retry', 'retries'], '1 retry'], [[2, 'retry', 'retries'], '2 retries'], [[0, 'line'], '0 lines'],
]);

test('only the first letter is made a capital', () => {
  assert.equal(capitalised('queued at NATS'), 'Queued at NATS');
  assert.equal(capitalised(''), '');
});
