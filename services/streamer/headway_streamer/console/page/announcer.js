/** Announcements for screen readers, short and rare, and the title of the document. */

import { percent } from './format.js';
import { isTerminal, TERMINAL } from './state.js';

const SHARE = 25;

/**
 * Returns the announcement for a change of state; '' for most changes. Pure.
 * @param {import('./state.js').TaskState} before @param {import('./state.js').TaskState} after @param {string} task what people call it
 */
export function announcement(before, after, task) {
  const name = task || 'Task';
  if (after.status !== before.status && TERMINAL.has(after.status)) return ending(after, name);
  if (isTerminal(after)) return '';
  if (after.attempt > before.attempt && after.attempt > 1) return `${name}: attempt ${after.attempt}`;
  if (after.step && after.step !== before.step) return `${name}: ${after.step}`;
  const share = Math.floor(after.progress / SHARE);
  return share > Math.floor(before.progress / SHARE) && after.attempt === before.attempt ? `${name}: ${share * SHARE} percent` : '';
}

function ending({ status, error, message }, name) {
  if (status === 'completed') return `${name} completed`;
  if (status === 'cancelled') return `${name} was cancelled`;
  return `${name} failed: ${error?.message ?? message}`;
}

/** "42 % · crawl". Pure. */
export function title(state, task) {
  const name = task || 'Headway';
  if (!state?.status) return name;
  if (state.status === 'processing') return `${percent(state.progress)} · ${name}`;
  return `${state.status.charAt(0).toUpperCase()}${state.status.slice(1)} · ${name}`;
}
