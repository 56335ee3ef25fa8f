/** The steps as a waterfall: start and duration of each. */

import { now } from './clock.js';
import { el, icon, setData, setIcon, setText, showText } from './element.js';
import { amount, span } from './format.js';
import { TracebackView } from './traceback-view.js';

const WORDS = { active: 'in progress', done: 'done', retrying: 'failed, retried', error: 'failed', cancelled: 'cancelled' };

export class StepsView {
  /** @type {StepRow[]} */
  #rows = [];

  constructor() {
    this.items = el('ol', { class: 'steps' });
    this.failures = el('ul', { class: 'failures' });
    this.node = el('section', { class: 'card part', 'aria-labelledby': 'steps-heading', hidden: true },
      el('h2', { id: 'steps-heading' }, 'Steps'), this.items, this.failures);
  }

  /** @param {import('./state.js').TaskState} state */
  render({ steps, failures, attempt }) {
    this.node.hidden = !steps.length && !failures.length;
    while (this.#rows.length > steps.length) this.#rows.pop().node.remove();
    while (this.#rows.length < steps.length) this.#add();
    const from = steps[0]?.start ?? 0;
    const to = Math.max(from + 0.001, steps.at(-1)?.end ?? now());
    steps.forEach((step, index) => this.#rows[index].render(step, from, to, attempt > 1));
    this.#renderFailures(failures);
  }

  #add() {
    const row = new StepRow();
    this.#rows.push(row);
    this.items.append(row.node);
  }

  #renderFailures(failures) {
    this.failures.hidden = !failures.length;
    if (this.failures.childElementCount === failures.length) return;
    this.failures.replaceChildren(...failures.map(failureView));
  }
}

function failureView({ attempt, message, traceback }) {
  const trace = new TracebackView();
  trace.render({ traceback });
  return el('li', {}, el('strong', {}, `Attempt ${attempt} failed. `), message, trace.node);
}

class StepRow {
  constructor() {
    this.icon = icon('active');
    this.outcome = el('span', { class: 'unseen' });
    this.name = el('span', { class: 'step-name' });
    this.attempt = el('span', { class: 'step-attempt' });
    this.count = el('span', { class: 'step-count' });
    this.fill = el('span', { class: 'step-fill' });
    this.duration = el('span', { class: 'step-duration' });
    this.node = el('li', { class: 'step' }, el('span', { class: 'step-icon' }, this.icon, this.outcome),
      el('span', { class: 'step-label' }, this.name, this.attempt, this.count),
      el('span', { class: 'step-track', 'aria-hidden': 'true' }, this.fill), this.duration);
  }

  /** @param {import('./state.js').Step} step */
  render(step, from, to, numbered) {
    const end = step.end ?? Math.max(now(), step.start);
    setData(this.node, 'outcome', step.outcome);
    setIcon(this.icon, step.outcome);
    setText(this.outcome, `${WORDS[step.outcome]}: `);
    setText(this.name, step.name);
    showText(this.attempt, numbered ? `attempt ${step.attempt}` : '');
    showText(this.count, step.done === undefined ? '' : amount(step.done, undefined, step.unit));
    setText(this.duration, span(step.end === null ? Math.floor(end - step.start) : end - step.start));
    this.fill.style.left = `${Math.max(0, (step.start - from) / (to - from)) * 100}%`;
    this.fill.style.width = `${Math.min(1, (end - step.start) / (to - from)) * 100}%`;
  }
}
