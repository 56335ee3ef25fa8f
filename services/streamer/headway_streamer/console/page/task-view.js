/** The selected task: heading, bar, actions, and the parts below. */

import { ActionsView } from './actions-view.js';
import { now } from './clock.js';
import { CommandsView } from './commands-view.js';
import { ConnectionView } from './connection-view.js';
import { copyButton } from './copy-button.js';
import { el, icon, setData, setIcon, setText, showText } from './element.js';
import { age, capitalised, dateTime, plural, span } from './format.js';
import { LaterPart } from './later.js';
import { LinesView } from './lines-view.js';
import { Meter } from './meter.js';
import { OutputView } from './output-view.js';
import { ResultView, valueView } from './result-view.js';
import { isTerminal } from './state.js';
import { StepsView } from './steps-view.js';
import { TracebackView } from './traceback-view.js';

export class TaskView {
  #paramsShown = false;

  /** @param {import('./session.js').Session} session @param {(task: string) => void} go */
  constructor(session, go) {
    this.session = session;
    const asides = new LaterPart('asides', (state) => state.asides.size);
    const tree = new LaterPart('tree', () => session.hasParts);
    this.parts = [tree, new ResultView(session), asides, new OutputView(), new StepsView(), new LinesView(), new CommandsView(session)];
    this.meter = new Meter();
    this.actions = new ActionsView(session, go);
    this.connection = new ConnectionView(session);
    this.node = el('article', { class: 'task', 'aria-labelledby': 'task-kind' },
      this.#header(), this.#hero(), this.#problems(), this.actions.place, ...this.parts.slice(0, -1).map((part) => part.node),
      this.#parameters(), this.parts.at(-1).node);
  }

  #header() {
    const { task } = this.session;
    this.heading = el('h1', { id: 'task-kind', tabindex: '-1' }, 'Task');
    this.statusIcon = icon('unknown');
    this.statusWord = el('span', { class: 'word' });
    this.badge = el('span', { class: 'badge', hidden: true }, this.statusIcon, this.statusWord);
    this.attempt = el('span', { hidden: true });
    this.created = el('span');
    this.facts = el('span', { class: 'facts', hidden: true });
    this.partsLink = el('a', { href: `?parent=${task}`, hidden: true }, 'Its parts');
    return el('header', { class: 'task-header' },
      el('a', { class: 'back', href: '#' }, icon('back'), 'All tasks'),
      el('div', { class: 'title-line' }, this.heading, this.badge),
      el('p', { class: 'meta' }, this.facts, this.partsLink, this.created, this.attempt,
        el('span', { class: 'id' }, el('code', {}, task), copyButton('the id', () => task))));
  }

  #hero() {
    this.stalled = el('p', { class: 'stalled', hidden: true });
    this.hero = el('section', { class: 'card hero', 'aria-label': 'Progress' }, this.meter.node, this.stalled,
      this.actions.node, this.connection.node);
    return this.hero;
  }

  #problems() {
    this.errorTitle = el('strong');
    this.errorText = el('p', { class: 'error-text', tabindex: '0' });
    this.errorNext = el('p', { class: 'muted small' });
    this.errorTrace = new TracebackView();
    this.errorBox = el('section', { class: 'box box-error', 'aria-label': 'Error', hidden: true },
      this.errorTitle, this.errorText, this.errorNext, this.errorTrace.node);
    return this.errorBox;
  }

  #parameters() {
    this.params = el('div', { class: 'details-body' });
    this.paramsPart = el('details', { class: 'card fold', hidden: true }, el('summary', {}, el('h2', {}, 'Parameters')), this.params);
    return this.paramsPart;
  }

  render() {
    const { session } = this;
    const { state, record } = session;
    const at = now(); // one time for all values shown together
    const absent = Boolean(session.failure && !session.failure.temporary && !state.status);
    this.hero.hidden = absent;
    setText(this.heading, session.name || (absent ? 'No such task' : 'Task'));
    setData(this.node, 'status', state.status || 'unknown');
    this.#renderBadge(state);
    this.#renderMeta(state, record, at);
    this.meter.render(state, record, at);
    this.#renderStalled(state, record, at);
    this.actions.render(state, record);
    this.#renderError(state, record);
    this.#renderParams(record);
    this.connection.render();
    for (const part of this.parts) part.render(state);
  }

  #renderBadge(state) {
    const cancelling = state.cancelReason !== null && !isTerminal(state);
    this.badge.hidden = !state.status;
    setIcon(this.statusIcon, state.status);
    const word = isTerminal(state) ? '' : state.state;
    setText(this.statusWord, [cancelling ? 'Cancelling' : capitalised(state.status), word].filter(Boolean).join(' · '));
  }

  #renderMeta(state, record, at) {
    showText(this.created, record ? `Created ${age(at - record.created)}` : '');
    if (record) this.created.title = dateTime(record.created);
    showText(this.attempt, state.attempt > 1 ? `Attempt ${state.attempt}` : '');
    this.partsLink.hidden = !this.session.hasParts;
    if (!record || this.facts.childNodes.length) return;
    this.facts.append(...factsOf(record));
    this.facts.hidden = !this.facts.childNodes.length;
  }

  #renderStalled(state, record, at) {
    const silent = state.stalledSince !== null && !isTerminal(state);
    const next = record?.reported ? 'worker. If none follows, the task ends as “Lost”.' : 'processor. If it has ended, the task is retried automatically.';
    showText(this.stalled, silent ? `Stalled ${span(Math.max(1, Math.floor(at - state.stalledSince)))}: no signal from the ${next}` : '');
  }

  #renderError(state, record) {
    const { failure } = this.session;
    const error = failure ? { type: failure.advice.title, message: failure.status === 404 ? 'It no longer exists, or you are not allowed to see it. Choose another one from the list.' : failure.advice.detail } : state.error;
    this.errorBox.hidden = !error;
    setData(this.errorBox, 'mild', state.status === 'retrying' ? 'yes' : 'no');
    if (!error) return;
    setText(this.errorTitle, error.type);
    setText(this.errorText, error.message);
    showText(this.errorNext, failure ? '' : nextAfter(state, record));
    this.errorTrace.render(error);
  }

  #renderParams(record) {
    if (!record || this.#paramsShown) return;
    this.#paramsShown = true;
    const some = record.params && Object.keys(record.params).length > 0;
    this.paramsPart.hidden = !some;
    if (some) this.params.append(valueView(record.params));
  }
}

function factsOf({ kind, title, tags = [], reported, parent, retry_of: earlier }) {
  const link = (words, task, name) => task && el('span', {}, words, el('a', { href: `#${encodeURIComponent(task)}` }, name));
  return [
    title && title !== kind && el('span', {}, kind),
    reported && el('span', {}, 'Reported by its worker'),
    link('Part of ', parent, 'another task'),
    link('Retry of ', earlier, 'an earlier task'),
    ...tags.map((tag) => el('a', { class: 'tag', href: `?${new URLSearchParams({ tag })}` }, tag)),
  ].filter(Boolean);
}

function nextAfter({ status, attempt, error, checkpoint }, record) {
  if (status === 'retrying') return `Attempt ${attempt} failed. The next one starts automatically.`;
  const tries = attempt > 1 ? `It was attempted ${plural(attempt, 'time')}. ` : '';
  if (record?.reported) return tries;
  if (error.transient) return `${tries}It may succeed later: press ${checkpoint ? 'Continue' : 'Retry'}.`;
  return tries + (error.retryable ? '' : 'A retry without a change is unlikely to succeed: check the parameters first.');
}

