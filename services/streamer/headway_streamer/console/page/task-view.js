/** The selected task: heading, bar, actions, and the parts below. */

import { now } from './clock.js';
import { CommandsView } from './commands-view.js';
import { ConnectionView } from './connection-view.js';
import { copyButton } from './copy-button.js';
import { el, icon, isOff, setData, setIcon, setOff, setText, showText } from './element.js';
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
    this.go = go;
    const asides = new LaterPart('asides', (state) => state.asides.size);
    const tree = new LaterPart('tree', () => session.hasParts);
    this.parts = [tree, new ResultView(session), asides, new OutputView(), new StepsView(), new LinesView(), new CommandsView(session)];
    this.meter = new Meter();
    this.connection = new ConnectionView(session);
    this.node = el('article', { class: 'task', 'aria-labelledby': 'task-kind' },
      this.#header(), this.#hero(), this.#problems(), ...this.parts.slice(0, -1).map((part) => part.node),
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
    this.cancelButton = el('button', { type: 'button', click: () => isOff(this.cancelButton) || this.session.cancel() }, 'Cancel');
    this.deleteButton = el('button', { type: 'button', hidden: true, click: () => this.#delete() }, 'Delete');
    this.retryButton = el('button', { type: 'button', hidden: true, click: () => this.#retry() }, 'Retry');
    this.elsewhere = el('p', { class: 'muted small', hidden: true }, 'No processor runs it: start it again where it was started.');
    this.refusal = el('p', { class: 'refusal', role: 'alert', hidden: true });
    this.hero = el('section', { class: 'card hero', 'aria-label': 'Progress' }, this.meter.node, this.stalled,
      el('div', { class: 'actions' }, this.cancelButton, this.retryButton, this.deleteButton, this.elsewhere, this.refusal), this.connection.node);
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
    this.#renderActions(state, record);
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

  #renderActions(state, record) {
    const { pending, refusal } = this.session;
    const ended = isTerminal(state);
    const cancelling = pending === 'cancel' || (state.cancelReason !== null && !ended);
    this.#swap(ended, Boolean(record?.reported));
    setOff(this.cancelButton, cancelling || !state.status);
    setText(this.cancelButton, cancelling ? 'Cancelling …' : 'Cancel task');
    setOff(this.retryButton, pending === 'retry');
    setOff(this.deleteButton, pending === 'remove');
    setText(this.retryButton, state.status === 'completed' ? 'Run again' : 'Retry');
    showText(this.refusal, refusal ? `${refusal.advice.title}. ${refusal.advice.detail}` : '');
  }

  /** Replaces Cancel at the end by what is possible then, and keeps the focus. */
  #swap(ended, reported) {
    const focused = document.activeElement === this.cancelButton;
    this.cancelButton.hidden = ended;
    this.deleteButton.hidden = !ended;
    this.retryButton.hidden = !ended || reported;
    this.elsewhere.hidden = !ended || !reported;
    if (focused && ended) (reported ? this.deleteButton : this.retryButton).focus({ preventScroll: true });
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

  async #delete() {
    if (isOff(this.deleteButton) || !confirm('Delete this task with its events and its result?')) return;
    if (await this.session.remove()) this.go('');
  }

  async #retry() {
    if (isOff(this.retryButton)) return;
    const task = await this.session.retry();
    if (task) this.go(task);
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

function nextAfter({ status, attempt, error }, record) {
  if (status === 'retrying') return `Attempt ${attempt} failed. The next one starts automatically.`;
  const tries = attempt > 1 ? `It was attempted ${plural(attempt, 'time')}. ` : '';
  if (record?.reported) return tries;
  if (error.transient) return `${tries}It may succeed later: press Retry.`;
  return tries + (error.retryable ? '' : 'A retry without a change is unlikely to succeed: check the parameters first.');
}

