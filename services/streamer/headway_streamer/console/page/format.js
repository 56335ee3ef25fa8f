/** Formatting of numbers, times and sizes. Pure. */

import { isExact } from './json.js';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dateAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** Rounds down: 100 % is shown only at the end. */
export const percent = (value) => `${Math.floor(Math.min(Math.max(value, 0), 100))}\u00a0%`;

export function number(value) {
  if (isExact(value) && value.isInteger) return whole.format(BigInt(value.source));
  return (Math.abs(value) >= 100 || Number.isInteger(value) ? whole : tenths).format(value);
}

export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
  return `${number(value / 1000 ** power)}\u00a0${units[power]}`;
}

const isBytes = (unit) => unit === 'B' || unit === 'bytes';

/** "42 of 100 pages" */
export function amount(done, total, unit = '') {
  const show = isBytes(unit) ? bytes : number;
  const tail = unit && !isBytes(unit) ? ` ${unit}` : '';
  return total === undefined ? show(done) + tail : `${show(done)} of ${show(total)}${tail}`;
}

/** "3.1 pages/s", "12 pages/min" */
export function rate(value, unit = '') {
  if (isBytes(unit)) return `${bytes(value)}/s`;
  const [times, per] = value >= 0.95 ? [1, 's'] : value >= 1 / 60 ? [60, 'min'] : [3600, 'h'];
  return `${number(value * times)} ${unit}/${per}`.replace(' /', '/');
}

/** A measured duration: "0.8 s", "34 s", "2 min 5 s", "1 h 4 min" */
export function span(seconds) {
  const value = Math.max(0, seconds);
  if (value < 9.95) return `${tenths.format(value)}\u00a0s`;
  const s = Math.round(value);
  if (s < 60) return `${s}\u00a0s`;
  if (s < 3600) return pair(Math.floor(s / 60), 'min', s % 60, 's');
  const minutes = Math.round(s / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(s / 3600);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

const pair = (a, unitA, b, unitB) => `${a}\u00a0${unitA}${b ? ` ${b}\u00a0${unitB}` : ''}`;

/** An estimate of the remaining time, coarser the longer it is: "about 2 min left" */
export function left(seconds) {
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5}\u00a0s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 10) return `about ${Math.max(1, minutes)}\u00a0min left`;
  const fives = Math.round(minutes / 5) * 5;
  if (fives < 60) return `about ${fives}\u00a0min left`;
  if (fives < 600) return `about ${pair(Math.floor(fives / 60), 'h', fives % 60, 'min')} left`;
  return `about ${span(Math.round(seconds / 3600) * 3600)} left`;
}

/** "12 s ago": rounded down like the running time that is shown beside it */
export function age(seconds) {
  if (seconds < 1) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)}\u00a0s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}\u00a0h ago`;
  return `${Math.floor(seconds / 86400)}\u00a0d ago`;
}

export const clockTime = (seconds) => timeOfDay.format(new Date(seconds * 1000));
export const dateTime = (seconds) => dateAndTime.format(new Date(seconds * 1000));

/** @param {string} word */
export const capitalised = (word) => word.charAt(0).toUpperCase() + word.slice(1);

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
