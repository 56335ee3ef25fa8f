import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.mjs';

const { loadOf, sorted, summaryOf } = await load('processor-load.js');

const one = (more) => ({ id: 'p', name: '', kinds: [], version: '1.0', since: 0, renewed: 0, slots: 10, running: 0, ...more });

test('a load is a share of the slots, and at most all of them', () => {
  assert.deepEqual(loadOf(one({ running: 5 })), { running: 5, slots: 10, share: 0.5, text: '5 of 10 slots busy' });
  assert.equal(loadOf(one({ running: 12 })).share, 1);
});

test('the load of a processor that does not tell its slots is unknown', () => {
  assert.deepEqual(loadOf(one({ slots: 0 })), { running: 0, slots: 0, share: 0, text: 'load unknown' });
});

test('processors are in the order of their names, whatever their load', () => {
  const names = sorted([one({ name: 'b', running: 9 }), one({ id: 'c' }), one({ name: 'a' })]).map(({ name, id }) => name || id);
  assert.deepEqual(names, ['a', 'b', 'c']);
});

test('the summary adds up the slots and counts other versions', () => {
  assert.equal(summaryOf([], '1.0'), '');
  assert.equal(summaryOf([one({ running: 2 })], '1.0'), '1 processor · 2 of 10 slots busy · version 1.0');
  assert.equal(summaryOf([one({ running: 2 }), one({ version: '0.9' })], '1.0'),
    '2 processors · 2 of 20 slots busy · 1 of another version than this streamer (1.0)');
});
