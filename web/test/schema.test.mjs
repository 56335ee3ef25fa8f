import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from './modules.mjs';

const { describe: description, errorsByField, fieldsOf, initialText, read } = await load('schema.js');
const { Exact } = await load('json.js');

const one = (property, extra = {}) => fieldsOf({ properties: { value: property }, ...extra })[0];

describe('inputs', () => {
  const rows = [
    [{ type: 'string' }, 'text'],
    [{ type: 'string', maxLength: 1000 }, 'long'],
    [{ type: 'string', maxLength: 1000, format: 'uri' }, 'text'],
    [{ type: 'integer' }, 'integer'],
    [{ type: 'number' }, 'number'],
    [{ type: 'boolean' }, 'boolean'],
    [{ enum: ['a', 'b'] }, 'choice'],
    [{ const: 3 }, 'choice'],
    [{ type: 'array' }, 'json'],
    [{ type: 'object' }, 'json'],
    [{}, 'json'],
    [{ type: ['null', 'integer'] }, 'integer'],
    [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'integer'],
    [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, 'json'],
    [true, 'json'],
  ];
  for (const [property, input] of rows) {
    test(`${JSON.stringify(property)} has the input ${input}`, () => assert.equal(one(property).input, input));
  }
});

test('a field has what its schema says', () => {
  const field = one(
    { type: 'integer', minimum: 1, maximum: 5000, default: 3, description: 'How many', examples: [10] },
    { required: ['value'] },
  );
  assert.deepEqual(field, {
    name: 'value', input: 'integer', required: true, nullable: false, title: 'Value', description: 'How many',
    default: 3, minimum: 1, maximum: 5000, choices: [], placeholder: '10', hint: '1 to 5,000',
  });
});

test('a name becomes a title, and hints name one bound or two', () => {
  assert.equal(fieldsOf({ properties: { max_pages_read: {} } })[0].title, 'Max pages read');
  assert.equal(one({ type: 'number', exclusiveMinimum: 0 }).hint, 'At least 0');
  assert.equal(one({ type: 'number', maximum: 2.5 }).hint, 'At most 2.5');
  assert.equal(one({ type: 'array' }).hint, 'A JSON list');
});

test('a file is chosen, and left out while none is', () => {
  const file = one({ anyOf: [{ type: 'string', format: 'headway-file', pattern: '^x$' }, { type: 'null' }], default: null });
  assert.equal(file.input, 'file');
  assert.deepEqual([read(file, ''), read(file, 'a.csv')], [{}, { value: 'a.csv' }]);
});

test('references are followed, and the title of a type is not that of the field', () => {
  const root = {
    $ref: '#/$defs/Params',
    $defs: {
      Params: { type: 'object', description: 'All of it', required: ['mode'], properties: { mode: { $ref: '#/$defs/a~1b' } } },
      'a/b': { title: 'Mode', enum: ['fast', 'slow'] },
    },
  };
  const [field] = fieldsOf(root);
  assert.deepEqual([field.title, field.input, field.required, field.choices], ['Mode', 'choice', true, ['fast', 'slow']]);
  assert.equal(description(root), 'All of it');
});

test('a reference to itself, to nowhere or to another document ends', () => {
  for (const $ref of ['#/$defs/loop', '#/$defs/absent', 'other.json']) {
    assert.equal(fieldsOf({ properties: { value: { $ref } }, $defs: { loop: { $ref: '#/$defs/loop' } } })[0].input, 'json');
  }
  assert.deepEqual(fieldsOf(undefined), []);
});

test('a field shows its default at first', () => {
  assert.equal(initialText(one({ type: 'integer', default: 0 })), '0');
  assert.equal(initialText(one({ type: 'string', default: null })), '');
  assert.equal(initialText(one({ type: 'array', default: [1] })), '[\n 1\n]');
});

describe('what is typed', () => {
  const rows = [
    ['a ticked box', { type: 'boolean' }, true, { value: true }],
    ['text is kept as it is', { type: 'string' }, ' x ', { value: ' x ' }],
    ['a number', { type: 'number' }, '2.5', { value: 2.5 }],
    ['a word in place of a number', { type: 'number' }, 'x', { error: 'must be a number' }],
    ['an endless number', { type: 'number' }, '1e999', { error: 'must be a number' }],
    ['a fraction in place of a whole number', { type: 'integer' }, '2.5', { error: 'must be a whole number' }],
    ['JSON', { type: 'array' }, '[1, "a"]', { value: [1, 'a'] }],
    ['a choice that is not text', { enum: [1, 2] }, '2', { value: 2 }],
    ['nothing, where nothing is asked', { type: 'integer' }, '', {}],
    ['nothing chosen', { enum: [1, 2] }, '', {}],
    ['a cleared default of text', { type: 'string', default: 'a' }, '', { value: '' }],
    ['a cleared default of text that may be null', { type: ['string'], default: 'a', nullable: true }, '', { value: null }],
    ['a cleared default of a number', { type: 'integer', default: 1 }, '', {}],
  ];
  for (const [name, property, raw, expected] of rows) {
    test(name, () => assert.deepEqual(read(one(property), raw), expected));
  }

  test('nothing, where something is required', () => {
    for (const property of [{ type: 'string' }, { type: 'integer' }, { enum: ['a'] }]) {
      assert.deepEqual(read(one(property, { required: ['value'] }), ''), { error: 'is required' });
    }
  });

  test('what is not JSON is said', () => assert.match(read(one({ type: 'array' }), '[1').error, /^is not JSON: /));

  test('a long whole number keeps its digits', () => {
    const { value } = read(one({ type: 'integer' }), ' 9007199254740993 ');
    assert(value instanceof Exact);
    assert.equal(String(value), '9007199254740993');
  });
});

test('errors go to their fields, and the rest stays apart', () => {
  const { fields, labels, rest } = errorsByField([
    { pointer: '/params/url', detail: 'is no URL' },
    { pointer: '/params/url', detail: 'is too long' },
    { pointer: '/params/rows/0/name', detail: 'is missing' },
    { pointer: '/params/other', detail: 'is unknown' },
    { pointer: '/kind', detail: 'is unknown' },
    { pointer: '/tags/0', detail: 'is too long' },
    { pointer: '/params/title', detail: 'is empty' },
    { detail: 'no body' },
  ], ['url', 'rows', 'title'], ['title', 'tags']);
  assert.deepEqual([...fields], [['url', 'is no URL; is too long'], ['rows', '0/name: is missing'], ['title', 'is empty']]);
  assert.deepEqual([...labels], [['tags', 'is too long']]);
  assert.deepEqual(rest, ['/params/other: is unknown', '/kind: is unknown', 'no body']);
});
