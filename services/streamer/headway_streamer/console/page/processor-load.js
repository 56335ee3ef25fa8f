/** The load of processors, as text and figures. Pure. */

import { number, plural } from './format.js';

/**
 * @typedef {object} Record the lease of a processor
 * @property {string} id @property {string} name @property {string[]} kinds @property {string} version
 * @property {number} since @property {number} renewed seconds since 1970, 0 in a lease of an earlier version
 * @property {number} slots how many tasks it runs at most, 0 in a lease of an earlier version @property {number} running
 */

/** @param {Record} one */
export function loadOf({ running, slots }) {
  const text = slots ? `${number(running)} of ${number(slots)} slots busy` : 'load unknown';
  return { running: Math.min(running, slots), slots, share: slots ? Math.min(running / slots, 1) : 0, text };
}

/** By name, so that the order changes little. @param {Record[]} processors */
export const sorted = (processors) => [...processors].sort((a, b) => (a.name || a.id).localeCompare(b.name || b.id) || a.since - b.since);

/** "2 processors · 7 of 200 slots busy · 1 of another version than this streamer (0.9.0)" @param {Record[]} processors @param {string} version */
export function summaryOf(processors, version) {
  if (!processors.length) return '';
  const [running, slots] = ['running', 'slots'].map((name) => processors.reduce((sum, one) => sum + one[name], 0));
  const others = processors.filter((one) => one.version !== version).length;
  const versions = others ? `${number(others)} of another version than this streamer (${version})` : `version ${version}`;
  return [plural(processors.length, 'processor'), slots && `${number(running)} of ${number(slots)} slots busy`, versions].filter(Boolean).join(' · ');
}
