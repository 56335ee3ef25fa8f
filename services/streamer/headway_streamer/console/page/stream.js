/**
 * One task's Server-Sent Events over a native EventSource, reopened whenever it ends too early.
 * EventSource reconnects by itself after a drop or a clean end, but not after a response other than 200. Then, and when
 * an idle connection may be dead after a wake-up, this opens a new one with the cursor in the URL.
 */

import { now } from './clock.js';
import { parse } from './json.js';

/**
 * @typedef {object} Connection
 * @property {'connecting'|'open'|'resting'|'reconnecting'|'closed'} phase
 * @property {string} reason why it is closed, resting or reconnecting: ended, hidden, cut, drain, reauth, refused …
 * @property {string} server name of the streamer
 * @property {string} cursor the last event id
 * @property {number} opened how many times a streamer said hello
 * @property {number} retryAt time of this page's next attempt, in seconds since 1970; 0 for none
 */

const NAMES = ['chunk', 'aside', 'log', 'cancel', 'hello', 'reset', 'stalled', 'resumed', 'goodbye', 'reauth'];
const MIN_DELAY_SECONDS = 0.5;
const MAX_DELAY_SECONDS = 15;
const CUT_SECONDS = 1.5;
const IDLE_SECONDS = 15; // one heartbeat; a page cannot see heartbeats
const OPENING_SECONDS = 20;
const VISIT_SECONDS = 0.6;
export const SIGNED_OUT = 'signed-out';

export class Stream {
  /** @type {EventSource|null} */
  #source = null;
  #timer = 0;
  #tries = 0;
  #heardAt = 0;
  /** @type {{seconds: number, reason: string}|null} */
  #visits = null;
  /** @type {Connection} */
  #connection = { phase: 'connecting', reason: '', server: '', cursor: '', opened: 0, retryAt: 0 };

  /**
   * @param {string} url
   * @param {object} on
   * @param {(type: string, data: any) => void} on.event
   * @param {(connection: Connection) => void} on.connection
   * @param {() => Promise<string>} on.refused called after a response that is not a stream, and when the token has
   *   ended; returns a reason to close, SIGNED_OUT to wait for `wake`, or ''
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
  }

  get connection() { return this.#connection; }
  get idleSeconds() { return now() - this.#heardAt; }
  get #finished() { return this.#connection.phase === 'closed'; }

  open() {
    this.#drop();
    const target = new URL(this.url);
    if (this.#connection.cursor) target.searchParams.set('cursor', this.#connection.cursor);
    const source = new EventSource(target);
    this.#source = source;
    this.#heardAt = now();
    this.#update({ phase: this.#connection.opened ? 'reconnecting' : 'connecting', retryAt: 0 });
    source.onmessage = (event) => this.#receive(source, 'progress', event);
    for (const name of NAMES) source.addEventListener(name, (event) => this.#receive(source, name, event));
    source.onerror = () => this.#failed(source);
    this.#after(OPENING_SECONDS, () => this.#connection.phase !== 'open' && this.#again('silent'));
  }

  /** Connects only for a moment, from the cursor, every `seconds`. */
  visit(seconds, reason) {
    if (this.#finished) return;
    this.#visits = { seconds, reason };
    if (['open', 'resting'].includes(this.#connection.phase)) this.#rest();
  }

  /** Keeps the connection open again. */
  stay() {
    if (this.#finished || !this.#visits) return;
    this.#visits = null;
    if (this.#connection.phase === 'resting') this.open();
    else if (this.#connection.phase === 'open') clearTimeout(this.#timer);
  }

  /** Closes the stream permanently: the task has ended or is no longer shown. */
  close(reason = 'left') {
    this.#drop();
    this.#update({ phase: 'closed', reason, retryAt: 0 });
  }

  /** Drops the connection without notice to the server, and opens another one after CUT_SECONDS. */
  cut() {
    if (this.#finished) return;
    this.#drop();
    this.#update({ phase: 'reconnecting', reason: 'cut', retryAt: now() + CUT_SECONDS });
    this.#after(CUT_SECONDS, () => this.open());
  }

  /** Lets go of the connection until `wake`: the page sleeps in the back/forward cache, or a request needs it. */
  pause(reason = 'asleep') {
    if (this.#finished) return;
    this.#drop();
    this.#update({ phase: 'reconnecting', reason, retryAt: 0 });
  }

  /** Reopens the connection after a suspension: it may be dead although it seems open. */
  wake(sure = false) {
    if (this.#finished || (!sure && this.#source && this.idleSeconds < IDLE_SECONDS)) return;
    if (!sure && this.#visits && !this.#source) return;
    this.#tries = 0;
    this.#update({ reason: 'woken' });
    this.open();
  }

  #receive(source, type, event) {
    if (source !== this.#source) return;
    this.#heardAt = now();
    let data;
    try {
      data = parse(event.data);
    } catch {
      console.warn('not JSON, ignored', type, event.data);
      return;
    }
    const cursor = event.lastEventId || this.#connection.cursor;
    if (type === 'hello') this.#greeted(data, cursor);
    else if (type === 'reauth') return void this.#reauthenticate(cursor);
    else if (type === 'goodbye') this.#update({ reason: data.reason ?? 'goodbye', cursor });
    else this.#update({ cursor });
    this.on.event(type, data);
  }

  #greeted(data, cursor) {
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#update({ phase: 'open', reason: '', server: data.server ?? '', cursor, opened: this.#connection.opened + 1, retryAt: 0 });
    if (this.#visits) this.#after(VISIT_SECONDS, () => this.#rest());
  }

  /** The native EventSource would reconnect with the token that has ended. */
  #reauthenticate(cursor) {
    this.#update({ cursor });
    this.#refused('reauth');
  }

  /** Releases the connection until the next visit. */
  #rest() {
    this.#drop();
    if (!this.#visits) return void this.open();
    const { seconds, reason } = this.#visits;
    this.#update({ phase: 'resting', reason, retryAt: now() + seconds });
    this.#after(seconds, () => this.open());
  }

  #failed(source) {
    if (source !== this.#source) return;
    if (source.readyState === EventSource.CLOSED) return void this.#refused();
    this.#update({ phase: this.#connection.opened ? 'reconnecting' : 'connecting' });
    // The browser waits for `retry:` and reconnects by itself, indefinitely; a new one is opened if that hangs.
    this.#after(OPENING_SECONDS, () => this.#connection.phase !== 'open' && this.#again('silent'));
  }

  async #refused(cause = 'refused') {
    this.#drop();
    this.#update({ phase: 'reconnecting', reason: cause, retryAt: 0 });
    const reason = await this.on.refused();
    if (this.#finished || this.#source) return;
    if (reason === SIGNED_OUT) this.pause(reason);
    else if (reason) this.close(reason);
    else this.#again(cause);
  }

  /** Reconnects with full jitter: after half a second to a bound that doubles up to 15 s. */
  #again(reason) {
    this.#drop();
    const bound = Math.min(MAX_DELAY_SECONDS, MIN_DELAY_SECONDS * 2 ** ++this.#tries);
    const delay = MIN_DELAY_SECONDS + Math.random() * (bound - MIN_DELAY_SECONDS);
    this.#update({ phase: 'reconnecting', reason, retryAt: now() + delay });
    this.#after(delay, () => this.open());
  }

  #after(seconds, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, seconds * 1000);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #update(change) {
    this.#connection = { ...this.#connection, ...change };
    this.on.connection(this.#connection);
  }
}
