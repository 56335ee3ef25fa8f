/** Reads the scatter plot of a result, whose fields may hold anything, and places its points. Pure. */

import { isExact } from './json.js';

export const WIDTH = 720;
export const HEIGHT = 420;
const MARGIN = 14;
const MAX_POINTS = 2000;
const MAX_GROUPS = 100;

/** Paths of marks around 0, 0. With the eight colours they make 56 different marks. */
export const SHAPES = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0', 'M-3.6-3.6h7.2v7.2h-7.2z', 'M0-4.8L4.8 3.6H-4.8z', 'M0-5L5 0L0 5L-5 0z',
  'M-1.4-4.6h2.8v3.2h3.2v2.8h-3.2v3.2h-2.8v-3.2h-3.2v-2.8h3.2z', 'M0 4.8L4.8-3.6H-4.8z', 'M-4.6-2.6L-2.6-4.6L0-2L2.6-4.6L4.6-2.6L2 0L4.6 2.6L2.6 4.6L0 2L-2.6 4.6L-4.6 2.6L-2 0z',
];
export const COLOURS = 8;

/**
 * @typedef {object} Group
 * @property {string} name @property {string} label @property {number} size
 * @property {number} colour from 0 @property {string} shape a path
 * @property {{x: number, y: number, text: string}[]} points in the picture
 */

/**
 * @param {any} plot
 * @returns {{title: string, note: string, groups: Group[], left: number}|null} `left` is the number of points that are left
 *   out; null for what is not a scatter plot with a point
 */
export function readScatter(plot) {
  if (plot?.type !== 'scatter' || !Array.isArray(plot.points)) return null;
  const points = plot.points.map((one) => ({ x: coordinate(one?.x), y: coordinate(one?.y), group: text(one?.group), text: text(one?.text) }))
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (!points.length) return null;
  const drawn = points.slice(0, MAX_POINTS);
  const groups = groupsOf(plot.groups, drawn);
  const place = placing(drawn);
  let count = 0;
  for (const { x, y, group, text: about } of drawn) {
    const found = groups.get(group);
    if (found) found.points.push({ ...place(x, y), text: about });
    if (found) count++;
  }
  return { title: text(plot.title) || 'Scatter plot', note: text(plot.note), groups: [...groups.values()], left: plot.points.length - count };
}

const coordinate = (value) => (typeof value === 'number' ? value : isExact(value) ? Number(String(value)) : NaN);
const text = (value) => (value === undefined || value === null || (typeof value === 'object' && !(isExact(value))) ? '' : String(value));

/** The groups that the plot lists, and those that only its points name. */
function groupsOf(listed, points) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const add = (name, label, size) => {
    if (groups.has(name) || groups.size >= MAX_GROUPS) return;
    const at = groups.size;
    groups.set(name, { name, label, size, colour: at % COLOURS, shape: SHAPES[at % SHAPES.length], points: [] });
  };
  for (const one of Array.isArray(listed) ? listed : []) add(text(one?.group), text(one?.label), coordinate(one?.size));
  for (const { group } of points) add(group, '', NaN);
  for (const group of groups.values()) if (!(group.size >= 0)) group.size = points.filter((one) => one.group === group.name).length;
  return groups;
}

/** One scale for both axes, so that distances can be compared; the picture is in the middle. */
function placing(points) {
  const [left, right] = extent(points.map(({ x }) => x));
  const [bottom, top] = extent(points.map(({ y }) => y));
  const scale = Math.min((WIDTH - 2 * MARGIN) / (right - left || 1), (HEIGHT - 2 * MARGIN) / (top - bottom || 1));
  const round = (value) => Math.round(value * 10) / 10;
  return (x, y) => ({
    x: round(WIDTH / 2 + (x - left / 2 - right / 2) * scale),
    y: round(HEIGHT / 2 - (y - bottom / 2 - top / 2) * scale),
  });
}

const extent = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
