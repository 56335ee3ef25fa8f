/**
 * Which windows hold a stream. Over HTTP/1.1 a browser has six connections per origin for all of its windows, and
 * requests need some: at most four windows keep a stream open. The others, and those that nobody sees, visit: they
 * connect for a moment and go on from their cursor. The windows agree among themselves, over a BroadcastChannel.
 */

import { randomKey } from './api.js';

const CHANNEL = 'headway-streams';
const MAX_STREAMS = 4;
const MAX_STREAMS_MULTIPLEXED = 64; // HTTP/2 and 3 carry a hundred in one connection
const ANSWER_MS = 150;
const CLAIM_MS = 10_000;
const HIDDEN_MS = 30_000;
const VISIBLE_VISIT_SECONDS = 3;
const HIDDEN_VISIT_SECONDS = 60; // so that the title goes on

/** @typedef {[number, string]} Claim when and by whom; the earlier one wins */

export class Share {
  #id = randomKey();
  /** @type {Claim|null} while it holds a stream, or asks whether it may */
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

  /** The stream is open: may it stay? */
  join() {
    if (!globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#timer = setInterval(() => document.hidden || this.#ask(), CLAIM_MS);
    document.addEventListener('visibilitychange', this.#look);
    addEventListener('pagehide', this.#giveUp);
    addEventListener('pageshow', this.#look);
    this.#look();
  }

  /** The stream is closed. */
  leave() {
    this.#giveUp();
    clearInterval(this.#timer);
    clearTimeout(this.#hiding);
    this.#channel?.close();
    this.#channel = null;
    document.removeEventListener('visibilitychange', this.#look);
    removeEventListener('pagehide', this.#giveUp);
    removeEventListener('pageshow', this.#look);
  }

  #giveUp = () => { this.#claim = null; };

  #look = () => {
    clearTimeout(this.#hiding);
    if (document.hidden) {
      this.#hiding = setTimeout(() => this.#retire(), HIDDEN_MS);
    } else {
      this.stream.stay(); // at once: whether it may is known a moment later
      this.#ask();
    }
  };

  #retire() {
    this.#giveUp();
    this.stream.visit(HIDDEN_VISIT_SECONDS, 'hidden');
  }

  async #ask() {
    if (this.stream.connection.phase === 'closed') return void this.leave();
    this.#claim ??= [Date.now(), this.#id];
    this.#others.clear();
    this.#say({ type: 'who', from: this.#id, claim: this.#claim });
    await new Promise((resolve) => { setTimeout(resolve, ANSWER_MS); });
    if (!this.#claim || !this.#channel) return;
    if (this.#allowed()) this.stream.stay();
    else {
      this.#giveUp();
      this.stream.visit(VISIBLE_VISIT_SECONDS, 'shared');
    }
  }

  /** Few enough have come before this one, or one of them is hidden and can go. */
  #allowed() {
    if (this.#others.size < limit()) return true;
    const hidden = [...this.#others].filter(([, other]) => other.hidden).sort(([, a], [, b]) => (isBefore(a.claim, b.claim) ? -1 : 1));
    if (!hidden.length) return false;
    this.#say({ type: 'release', to: hidden[0][0] });
    return true;
  }

  #hear({ type, from, to, claim, hidden }) {
    if (type === 'who' && this.#claim && isBefore(this.#claim, claim)) {
      this.#say({ type: 'holds', from: this.#id, to: from, claim: this.#claim, hidden: document.hidden });
    } else if (type === 'holds' && to === this.#id) this.#others.set(from, { claim, hidden });
    else if (type === 'release' && to === this.#id && document.hidden) this.#retire();
  }

  #say(message) {
    this.#channel?.postMessage(message);
  }
}

const isBefore = ([at, id], [otherAt, otherId]) => at < otherAt || (at === otherAt && id < otherId);

function limit() {
  const [navigation] = performance.getEntriesByType('navigation');
  return /^h[23]/.test(navigation?.nextHopProtocol ?? '') ? MAX_STREAMS_MULTIPLEXED : MAX_STREAMS;
}
