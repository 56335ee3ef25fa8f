import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.mjs';

const { COLOURS, HEIGHT, readScatter, SHAPES, WIDTH } = await load('scatter-layout.js');
const { parse } = await load('json.js');

const point = (x, y, group = 1, text = '') => ({ x, y, group, text });
const read = (points, fields = {}) => readScatter({ type: 'scatter', points, ...fields });
const placed = (plot) => plot.groups.flatMap(({ points }) => points.map(({ x, y }) => [x, y]));

test('what is not a scatter plot with a point is not drawn', () => {
  for (const plot of [undefined, null, 3, 'scatter', [], {}, { type: 'bars', points: [point(1, 1)] }, { type: 'scatter' }, { type: 'scatter', points: 'x' }]) {
    assert.equal(readScatter(plot), null);
  }
  for (const wrong of [[], [null], [point('1', 1)], [point(1, null)], [point({}, [])], [point(NaN, 1)]]) assert.equal(read(wrong), null);
});

test('both axes have one scale, y goes up, and the picture is in the middle', () => {
  const [[left, low], [right, high]] = placed(read([point(0, 0), point(1, 0.5)]));
  assert.equal(Math.round(right - left), Math.round(2 * (low - high)));
  assert.equal(left + right, WIDTH);
  assert.equal(low + high, HEIGHT);
  assert.ok(left > 5 && right < WIDTH - 5 && low < HEIGHT - 5);
});

test('one point, and equal points, are in the middle', () => {
  assert.deepEqual(placed(read([point(7, -3), point(7, -3)])), [[WIDTH / 2, HEIGHT / 2], [WIDTH / 2, HEIGHT / 2]]);
});

test('numbers that a float cannot hold have a place too', () => {
  assert.equal(placed(read([point(parse('12345678901234567891'), 0), point(0, 0)])).length, 2);
});

test('listed groups keep their order, their label and their size; others are counted', () => {
  const groups = [{ group: 2, label: 'rain, snow', size: 70 }, { group: 1, label: 'oven' }];
  const plot = read([point(0, 0, 1), point(1, 1, 3), point(2, 2, 2), point(3, 3, 1)], { groups });
  assert.deepEqual(plot.groups.map(({ name, label, size }) => [name, label, size]), [['2', 'rain, snow', 70], ['1', 'oven', 2], ['3', '', 1]]);
  assert.deepEqual(plot.groups.map(({ points }) => points.length), [1, 2, 1]);
});

test('fifty groups have different marks', () => {
  const plot = read(Array.from({ length: 50 }, (_, at) => point(at, at, at)));
  assert.equal(new Set(plot.groups.map(({ colour, shape }) => `${colour} ${shape}`)).size, 50);
  assert.ok(COLOURS * SHAPES.length >= 50);
});

test('the number of points and of groups is bounded, and the rest is counted', () => {
  const plot = read([...Array.from({ length: 2500 }, (_, at) => point(at, at)), point('no', 1)]);
  assert.equal(plot.groups[0].points.length, 2000);
  assert.equal(plot.left, 501);
  const many = read(Array.from({ length: 150 }, (_, at) => point(at, at, at)));
  assert.deepEqual([many.groups.length, many.left], [100, 50]);
});

test('labels and texts are texts, whatever they are', () => {
  const plot = read([point(0, 0, '<b>', { toString: 1 }), point(1, 1, '__proto__', 5)], { title: ['x'], note: null, groups: { length: 9 } });
  assert.deepEqual([plot.title, plot.note], ['Scatter plot', '']);
  assert.deepEqual(plot.groups.map(({ name, points }) => [name, points[0].text]), [['<b>', ''], ['__proto__', '5']]);
});
