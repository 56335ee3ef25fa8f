import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from './modules.mjs';

const { prefilled } = await load('prefill.js');
const { fieldsOf, initialText, initialValue } = await load('schema.js');
const { parse } = await load('json.js');

const FILE = { type: 'string', format: 'headway-file' };
const one = (property, value, extra = {}) => prefilled(fieldsOf({ properties: { value: property }, ...extra }), { value })[0];

describe('the value of an earlier task is shown', () => {
  const rows = [
    ['text', { type: 'string' }, 'a', 'a'],
    ['empty text in place of a default', { type: 'string', default: 'a' }, '', ''],
    ['nothing in place of a default', { type: ['integer', 'null'], default: 3 }, null, ''],
    ['a number', { type: 'number', default: 3 }, 0, '0'],
    ['a list', { type: 'array' }, [1], '[\n 1\n]'],
    ['a choice', { enum: [1, 2] }, 2, '2'],
  ];
  for (const [name, property, value, text] of rows) {
    test(name, () => {
      const field = one(property, value);
      assert.deepEqual([initialValue(field), initialText(field)], [value, text]);
    });
  }

  test('a whole number with all its digits', () => {
    const [field] = prefilled(fieldsOf({ properties: { value: { type: 'integer' } } }), parse('{"value": 9007199254740993}'));
    assert.equal(initialText(field), '9007199254740993');
  });

  test('a box as it was ticked', () => assert.equal(initialValue(one({ type: 'boolean', default: true }, false)), false));

  test('lines of text in a field of lines', () => {
    assert.equal(one({ type: 'string' }, 'a\nb').input, 'long');
    assert.equal(one({ type: 'string' }, 'a b').input, 'text');
  });

  test('a file by its id', () => assert.equal(one(FILE, 'f1').value, 'f1'));
});

test('a parameter that was left out keeps the default', () => {
  const [field] = prefilled(fieldsOf({ properties: { value: { type: 'integer', default: 7 } } }), {});
  assert.deepEqual(['value' in field, initialText(field)], [false, '7']);
});

describe('a value that does not fit any more is not sent again, but named', () => {
  const rows = [
    [{ type: 'integer', default: 1 }, 'many', '"many"'],
    [{ type: 'string' }, { a: 1 }, '{"a":1}'],
    [{ type: 'boolean' }, 'yes', '"yes"'],
    [{ enum: ['a', 'b'] }, 'c', '"c"'],
    [{ enum: ['a', 'b'], default: 'a' }, null, 'null'],
    [FILE, 3, '3'],
  ];
  for (const [property, value, named] of rows) {
    test(`${named} for ${JSON.stringify(property)}`, () => {
      const field = one(property, value);
      assert.equal('value' in field, false);
      assert(field.hint.endsWith(`It was ${named}, which does not fit here`));
    });
  }
});

test('a value without a field gets one of JSON, also where its name is that of a method', () => {
  const fields = prefilled(fieldsOf({ properties: { url: { type: 'string' } } }), parse('{"url": "u", "toString": [1], "__proto__": 2}'));
  assert.deepEqual(fields.map(({ name, input, value }) => [name, input, value]), [
    ['url', 'text', 'u'], ['toString', 'json', [1]], ['__proto__', 'json', 2],
  ]);
});
