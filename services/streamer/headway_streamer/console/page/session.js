/** The selected task: its record, its state, its stream. Does not use the document. */

import * as api from './api.js';
import { now } from './clock.js';
import { initial, isTerminal, reduce } from './state.js';
import { Share } from './share.js';
import { SIGNED_OUT, Stream } from './stream.js';

const BEHIND_POLLS = 2;
const LEND_MS = 1500;

/**
 * @typedef {object} Cut outcome of a connection that the user has cut
 * @property {number} at
 * @property {number} n of the last event before
 * @property {string} cursor
 * @property {number} missed @property {number} repeated counts at the time of the cut
 * @property {number} resumedAt 0 until a streamer said hello
 * @property {string} server
 * @property {number} next n of the first event after; 0 until it is received
 * @property {number} skipped ticks that were merged into that one
 */

export class Session {
  /** @type {any} kind, created, params … from GET /tasks/{id}; null until it is received */
  record = null;
  /** @type {api.ApiError|null} why the record could not be fetched */
  failure = null;
  /** @type {'cancel'|'retry'|'remove'|''} the request in progress */
  pending = '';
  /** @type {api.ApiError|null} the error of the last request */
  refusal = null;
  /** @type {Cut|null} */
  lastCut = null;
  /** Whether other tasks are parts of this one. */
  hasParts = false;
  #behind = 0;

  /** @param {string} task @param {() => void} onChange */
  constructor(task, onChange) {
    this.task = task;
    this.onChange = onChange;
    this.state = initial(task);
    this.stream = new Stream(api.taskUrl(task, '/stream'), {
      event: (type, data) => this.#apply(type, data),
      connection: () => onChange(),
      refused: () => this.#checkTask(),
    });
    this.share = new Share(this.stream);
  }

  get ended() { return isTerminal(this.state); }
  get kind() { return this.record?.kind ?? ''; }
  /** What people call the task; '' until the record is received. */
  get name() { return this.record?.title || this.kind; }

  open() {
    this.stream.open();
    this.share.join();
    this.#load();
  }

  close() {
    this.onChange = () => {};
    this.stream.on.connection = this.onChange;
    this.stream.close();
    this.share.leave();
  }

  /** Continues after a sign-in, from the cursor. */
  resume() {
    if (!this.record) this.#load();
    this.stream.wake(true);
  }

  cut() {
    const { n, missed, repeated } = this.state;
    const { cursor } = this.stream.connection;
    this.lastCut = { at: now(), n, cursor, missed, repeated, resumedAt: 0, server: '', next: 0, skipped: 0 };
    this.stream.cut();
  }

  async cancel() {
    await this.request('cancel', () => api.cancel(this.task));
  }

  /** @returns {Promise<boolean>} whether it was deleted */
  async remove() {
    return (await this.request('remove', () => api.remove(this.task))) !== null;
  }

  /** @param {{resume?: boolean}} how @returns {Promise<string>} the new task, or '' */
  async retry(how) {
    return (await this.request('retry', () => api.retry(this.task, how)))?.task ?? '';
  }

  /**
   * Reopens the stream when the list has had newer events for a while: the connection is dead without an error.
   * @param {{state?: {n: number}|null}} summary
   */
  compare(summary) {
    const ahead = (summary.state?.n ?? 0) > this.state.n && this.stream.connection.phase === 'open';
    this.#behind = ahead && this.stream.idleSeconds > 5 ? this.#behind + 1 : 0;
    if (this.#behind >= BEHIND_POLLS) this.stream.wake(true);
  }

  #apply(type, data) {
    const before = this.state;
    this.state = reduce(before, type, data, now());
    this.#follow(type, before);
    if (this.state.unit === 'parts') this.hasParts = true;
    if (this.ended) this.#end('ended');
    this.onChange();
  }

  #end(reason) {
    this.stream.close(reason);
    this.share.leave();
  }

  /** Records what the stream delivers after a cut. */
  #follow(type, before) {
    const cut = this.lastCut;
    if (!cut || cut.next) return;
    if (type === 'hello') this.lastCut = { ...cut, resumedAt: now(), server: this.stream.connection.server };
    else if (this.state.n > before.n) this.lastCut = { ...cut, next: this.state.n, skipped: this.state.merged - before.merged };
  }

  async #load() {
    try {
      this.record = await api.task(this.task);
      this.failure = null;
      this.#findParts();
    } catch (error) {
      if (error.status === 401) return; // until `resume`
      this.failure = error;
      if (!error.temporary) this.#end('absent');
      else if (this.stream.connection.phase !== 'closed') setTimeout(() => this.record ?? this.#load(), 5000);
    }
    this.onChange();
  }

  async #findParts() {
    const { tasks } = await api.tasks(`?limit=1&parent=${this.task}`).catch(() => ({ tasks: [] }));
    this.lookFor(tasks);
  }

  /** Looks for parts of this task. @param {any[]} summaries */
  lookFor(summaries) {
    if (this.hasParts || !summaries.some(({ parent }) => parent === this.task)) return;
    this.hasParts = true;
    this.onChange();
  }

  /** EventSource hides the status of the response, so the task is fetched. */
  async #checkTask() {
    try {
      this.record = await api.task(this.task);
    } catch (error) {
      if (error.status === 401) return SIGNED_OUT;
      this.failure = error.temporary ? this.failure : error;
      return error.temporary ? '' : 'absent';
    }
    const last = this.record.state;
    if (last && last.n > this.state.n && ['completed', 'error', 'cancelled'].includes(last.status)) this.#apply('progress', last);
    return this.ended ? 'ended' : '';
  }

  /** What `send` returns, or null when it is refused. While it waits, `name` is pending. */
  async request(name, send) {
    this.pending = name;
    this.refusal = null;
    this.onChange();
    // Streams may use all connections to the origin: a waiting request gets the connection of this one.
    const lending = setTimeout(() => this.stream.pause('lent'), LEND_MS);
    try {
      return await send();
    } catch (error) {
      this.refusal = error;
      return null;
    } finally {
      clearTimeout(lending);
      if (this.stream.connection.reason === 'lent') this.stream.wake(true);
      this.pending = '';
      this.onChange();
    }
  }
}
