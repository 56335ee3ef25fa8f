/**
 * Decides which windows hold a stream. Over HTTP/1.1 a browser has six connections per origin for all of its windows, and
 * requests need some: at most four windows keep a stream open. The others, and hidden windows, connect periodically
 * for a moment and resume from their cursor. The windows coordinate over a BroadcastChannel.
 */

import { randomKey } from './api.js';

const CHANNEL = 'headway-streams';
const MAX_STREAMS = 4;
const MAX_STREAMS_MULTIPLEXED = 64; // HTTP/2 and 3 carry a hundred in one connection
const ANSWER_MS = 150;
const CLAIM_MS = 10_000;
const HIDDEN_MS = 30_000;
const VISIBLE_VISIT_SECONDS = 3;
const HIDDEN_VISIT_SECONDS = 60; // keeps the title up to date

/** @typedef {[number, string]} Claim time and window id; the earlier claim wins */

export class Share {
  #id = randomKey();
  /** @type {Claim|null} while this window holds a stream or requests one */
  #claim = null;
  /** @type {BroadcastChannel|null} */
  #channel = null;
  /** @type {Map<string, {claim: Claim, hidden: boolean}>} */
  #others = new Map();
  #timer = 0;
  #hiding = 0;

  /** @param {import('./stream.js').Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** Starts the coordination for an open stream. */
  join() {
    if (!globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#timer = setInterval(() => document.hidden || this.#ask(), CLAIM_MS);
    document.addEventListener('visibilitychange', this.#update);
    addEventListener('pagehide', this.#releaseClaim);
    addEventListener('pageshow', this.#update);
    this.#update();
  }

  /** Ends the coordination. */
  leave() {
    this.#releaseClaim();
    clearInterval(this.#timer);
    clearTimeout(this.#hiding);
    this.#channel?.close();
    this.#channel = null;
    document.removeEventListener('visibilitychange', this.#update);
    removeEventListener('pagehide', this.#releaseClaim);
    removeEventListener('pageshow', this.#update);
  }

  #releaseClaim = () => { this.#claim = null; };

  #update = () => {
    clearTimeout(this.#hiding);
    if (document.hidden) {
      this.#hiding = setTimeout(() => this.#retire(), HIDDEN_MS);
    } else {
      this.stream.stay(); // at once; the other windows respond a moment later
      this.#ask();
    }
  };

  #retire() {
    this.#releaseClaim();
    this.stream.visit(HIDDEN_VISIT_SECONDS, 'hidden');
  }

  async #ask() {
    if (this.stream.connection.phase === 'closed') return void this.leave();
    this.#claim ??= [Date.now(), this.#id];
    this.#others.clear();
    this.#send({ type: 'who', from: this.#id, claim: this.#claim });
    await new Promise((resolve) => { setTimeout(resolve, ANSWER_MS); });
    if (!this.#claim || !this.#channel) return;
    if (this.#allowed()) this.stream.stay();
    else {
      this.#releaseClaim();
      this.stream.visit(VISIBLE_VISIT_SECONDS, 'shared');
    }
  }

  /** Whether fewer than the limit have earlier claims, or one of them is hidden and can release its stream. */
  #allowed() {
    if (this.#others.size < limit()) return true;
    const hidden = [...this.#others].filter(([, other]) => other.hidden).sort(([, a], [, b]) => (isBefore(a.claim, b.claim) ? -1 : 1));
    if (!hidden.length) return false;
    this.#send({ type: 'release', to: hidden[0][0] });
    return true;
  }

  #receive({ type, from, to, claim, hidden }) {
    if (type === 'who' && this.#claim && isBefore(this.#claim, claim)) {
      this.#send({ type: 'holds', from: this.#id, to: from, claim: this.#claim, hidden: document.hidden });
    } else if (type === 'holds' && to === this.#id) this.#others.set(from, { claim, hidden });
    else if (type === 'release' && to === this.#id && document.hidden) this.#retire();
  }

  #send(message) {
    this.#channel?.postMessage(message);
  }
}

const isBefore = ([at, id], [otherAt, otherId]) => at < otherAt || (at === otherAt && id < otherId);

function limit() {
  const [navigation] = performance.getEntriesByType('navigation');
  return /^h[23]/.test(navigation?.nextHopProtocol ?? '') ? MAX_STREAMS_MULTIPLEXED : MAX_STREAMS;
}
