/** What can be done with the selected task: cancel it; when it has ended, start it again or delete it. */

import * as api from './api.js';
import { el, isOff, setOff, setText, showText } from './element.js';
import { isTerminal } from './state.js';

export class ActionsView {
  #form = null;

  /** @param {import('./session.js').Session} session @param {(task: string) => void} go */
  constructor(session, go) {
    this.session = session;
    this.go = go;
    const button = (name, click) => {
      const node = el('button', { type: 'button', click: () => isOff(node) || click() }, name);
      return node;
    };
    this.cancelButton = button('Cancel', () => session.cancel());
    this.continueButton = button('Continue', () => this.#retry({ resume: true }));
    this.continueButton.className = 'primary';
    this.continueButton.title = 'From its last checkpoint, with the same parameters';
    this.retryButton = button('Retry', () => this.#retry({}));
    this.editButton = button('Edit and retry', () => this.#edit());
    this.deleteButton = button('Delete', () => this.#delete());
    this.retries = [this.continueButton, this.retryButton, this.editButton];
    this.elsewhere = el('p', { class: 'muted small', hidden: true }, 'No processor runs it: start it again where it was started.');
    this.refusal = el('p', { class: 'refusal', role: 'alert', hidden: true });
    this.node = el('div', { class: 'actions' }, this.cancelButton, ...this.retries, this.deleteButton, this.elsewhere, this.refusal);
    /** Where the form of other parameters is shown. */
    this.place = el('div', { class: 'later', hidden: true });
  }

  render(state, record) {
    const { pending, refusal } = this.session;
    const ended = isTerminal(state);
    const cancelling = pending === 'cancel' || (state.cancelReason !== null && !ended);
    this.#swap(state, ended, record);
    setOff(this.cancelButton, cancelling || !state.status);
    setText(this.cancelButton, cancelling ? 'Cancelling …' : 'Cancel task');
    for (const button of this.retries) setOff(button, pending === 'retry');
    setOff(this.deleteButton, pending === 'remove');
    const done = state.status === 'completed';
    setText(this.retryButton, done ? 'Run again' : 'Retry');
    setText(this.editButton, done ? 'Edit and run again' : 'Edit and retry');
    this.editButton.setAttribute('aria-expanded', String(!this.place.hidden));
    showText(this.refusal, refusal ? `${refusal.advice.title}. ${refusal.advice.detail}` : '');
  }

  /** Replaces Cancel at the end by what is possible then, and keeps the focus. */
  #swap(state, ended, record) {
    const focused = document.activeElement === this.cancelButton;
    const reported = Boolean(record?.reported);
    this.cancelButton.hidden = ended;
    this.deleteButton.hidden = !ended;
    this.retryButton.hidden = !ended || reported;
    this.editButton.hidden = this.retryButton.hidden || !record;
    this.continueButton.hidden = this.retryButton.hidden || state.status === 'completed' || !state.checkpoint;
    this.elsewhere.hidden = !ended || !reported;
    if (focused && ended) [...this.retries, this.deleteButton].find((button) => !button.hidden).focus({ preventScroll: true });
  }

  async #delete() {
    if (!confirm('Delete this task with its events and its result?')) return;
    if (await this.session.remove()) this.go('');
  }

  async #retry(how) {
    const task = await this.session.retry(how);
    if (task) this.go(task);
  }

  /** Opens the form of other parameters, or closes it. */
  async #edit() {
    if (this.#form) return this.#close();
    const then = { started: this.go, cancelled: () => this.#close() };
    this.#form = await this.session.request('retry', async () => (await api.load('retry')).open(api, this.session.record, then));
    if (!this.#form) return;
    this.place.replaceChildren(this.#form.node);
    this.place.hidden = false;
    this.#form.heading.focus();
    this.session.onChange();
  }

  #close() {
    this.#form = null;
    this.place.replaceChildren();
    this.place.hidden = true;
    this.editButton.focus();
    this.session.onChange();
  }
}
