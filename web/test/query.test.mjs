import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.mjs';

const { cursorOf, filtersOf, listQuery, withCursor } = await load('query.js');

/** A test for each row: an address, and what is made of it. */
function table(name, make, rows) {
  for (const [search, expected] of rows) test(`${name}: ${search || 'nothing'}`, () => assert.equal(String(make(search)), expected));
}

table('filters are those that are known and not empty', filtersOf, [
  ['', ''],
  ['?', ''],
  ['?text=a+b&status=error&status=queued', 'text=a+b&status=error&status=queued'],
  ['?text=&kind=crawl&cursor=c&utm_source=mail&__proto__=1', 'kind=crawl'],
  ['?tag=a%26b&tag=%C3%A4', 'tag=a%26b&tag=%C3%A4'],
  ['?parent=night', 'parent=night'],
]);

table('the API is asked for what the address says', (search) => listQuery(search, 30, 100_000.9), [
  ['', '?limit=30'],
  ['?status=error&cursor=c', '?status=error&limit=30&cursor=c'],
  ['?within=3600', '?since=96400&limit=30'],
  ['?within=3600&since=5', '?since=96400&limit=30'],
  ['?since=5&before=9', '?since=5&before=9&limit=30'],
  ['?within=soon&limit=500', '?limit=30'],
]);

table('another place has the same filters', (search) => withCursor(search, 'next'), [
  ['', '?cursor=next'],
  ['?kind=crawl&cursor=this&other=1', '?kind=crawl&cursor=next'],
]);

table('the beginning has no cursor', (search) => withCursor(search, ''), [['?kind=crawl&cursor=this', '?kind=crawl'], ['?cursor=this', '?']]);

table('the place is the cursor', cursorOf, [['', ''], ['?cursor=a.b', 'a.b']]);
