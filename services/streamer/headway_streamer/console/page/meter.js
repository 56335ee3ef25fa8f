/** The progress bar and its figures. */

import { el, setData, setText, showText } from './element.js';
import { amount, capitalised, left, percent, rate, span } from './format.js';
import { isTerminal } from './state.js';

const GROWING_SECONDS = 10;

export class Meter {
  constructor() {
    this.percent = el('span', { class: 'percent' });
    this.time = el('span', { class: 'time' });
    this.fill = el('div', { class: 'fill' });
    this.bar = el('div', { class: 'bar', role: 'progressbar', 'aria-label': 'Progress of the task', 'aria-valuemin': '0', 'aria-valuemax': '100' }, this.fill);
    this.amount = el('span');
    this.rate = el('span');
    this.counts = el('div', { class: 'counts' }, this.amount, this.rate);
    this.sub = el('p', { class: 'sub', hidden: true });
    this.step = el('strong');
    this.message = el('span');
    this.text = el('p', { class: 'message' }, this.step, this.message);
    this.node = el('div', { class: 'meter' },
      el('div', { class: 'figures' }, this.percent, this.time), this.bar,
      this.counts, this.sub,
      this.text);
  }

  /** @param {import('./state.js').TaskState} state @param {any} record @param {number} at the server's time */
  render(state, record, at) {
    const indeterminate = isIndeterminate(state);
    const time = timeText(state, record, at);
    const count = state.done === undefined ? '' : amount(state.done, state.total, state.unit);
    setData(this.bar, 'indeterminate', indeterminate ? 'yes' : 'no');
    this.fill.style.width = indeterminate ? '' : `${state.progress}%`;
    setText(this.percent, percentText(state, indeterminate));
    setText(this.time, time);
    setText(this.amount, count);
    const ended = isTerminal(state);
    setText(this.rate, !ended && state.rate ? rate(state.rate, state.unit) : '');
    this.counts.hidden = ended && !count; // keeps its space while the task runs, to avoid layout shifts
    const sub = ended ? '' : subText(state);
    if (sub || ended) this.sub.hidden = ended; // keeps its space between two rows
    setText(this.sub, sub || '\u00a0');
    showText(this.step, ended ? '' : state.step);
    showText(this.message, state.error || state.message === state.step ? '' : state.message);
    this.text.hidden = ended && this.message.hidden;
    this.#describe(state, indeterminate, [indeterminate ? capitalised(state.status || 'waiting') : percent(state.progress), count, sub, time]);
  }

  #describe(state, indeterminate, words) {
    const text = words.filter(Boolean).join(', ').replaceAll('\u00a0', ' ');
    if (indeterminate) this.bar.removeAttribute('aria-valuenow');
    else this.bar.setAttribute('aria-valuenow', String(Math.floor(state.progress)));
    if (this.bar.getAttribute('aria-valuetext') !== text) this.bar.setAttribute('aria-valuetext', text);
  }
}

/** Whether the task is processing and its total is unknown. */
export const isIndeterminate = (state) => state.status === 'processing' && !state.progress && !state.total;

/** The sub-progress: "a.pdf · 4 of 10 pages" */
export function subText({ sub }) {
  return sub ? [sub.label, amount(sub.done, sub.total, sub.unit)].filter(Boolean).join(' · ') : '';
}

function percentText(state, indeterminate) {
  if (!state.status) return '\u00a0';
  if (indeterminate) return state.done === undefined ? 'Working' : amount(state.done, undefined, state.unit);
  if (state.status === 'queued') return 'Queued';
  return percent(state.progress);
}

/** The remaining time, or the time taken. */
function timeText(state, record, at) {
  const begun = state.started || record?.created || state.at;
  if (!state.status) return '';
  if (isTerminal(state)) return `took ${span(state.at - begun)}`;
  if (state.status === 'queued') return `waiting for a ${record?.reported ? 'worker' : 'processor'} for ${span(Math.floor(at - (record?.created ?? state.at)))}`;
  if (state.status === 'retrying') return 'retrying soon';
  if (state.stalledSince !== null) return '';
  const growing = state.grew && state.at - state.grew < GROWING_SECONDS;
  if (state.eta !== undefined && !growing) return left(state.eta - (at - state.at));
  // The processor's clock may be behind: a task cannot run for longer than its age.
  return `runs for ${span(Math.floor(at - Math.max(begun, record?.created ?? 0)))}`;
}
