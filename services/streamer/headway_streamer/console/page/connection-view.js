/** The streamer that serves the stream, the cursor, and the count of events lost by a cut: none. */

import { now } from './clock.js';
import { el, isOff, setData, setOff, setText, showText } from './element.js';
import { clockTime, number, plural } from './format.js';

export class ConnectionView {
  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.session = session;
    this.label = el('span', { class: 'chip-word' });
    this.chip = el('span', { class: 'chip' }, el('span', { class: 'dot', 'aria-hidden': 'true' }), this.label);
    this.server = el('span', { class: 'server' });
    this.cursor = el('code', { class: 'cursor', title: 'The cursor: the id of the last event. Any streamer can resume from it.' });
    this.button = el('button', { type: 'button', click: () => isOff(this.button) || session.cut() }, 'Cut my connection');
    this.note = el('p', { class: 'resume', hidden: true });
    this.node = el('footer', { class: 'connection', 'aria-label': 'Connection' },
      el('div', { class: 'connection-line' }, this.chip, this.server, this.cursor, this.button), this.note);
  }

  render() {
    const { connection } = this.session.stream;
    setData(this.chip, 'phase', connection.phase);
    setText(this.label, phrase(connection));
    showText(this.server, connection.server ? `${connection.phase === 'open' ? 'to' : 'last to'} ${connection.server}` : '');
    showText(this.cursor, connection.cursor);
    // Hidden at the end. Off while the connection is cut: a second press would have no effect.
    this.button.hidden = connection.phase === 'closed';
    setOff(this.button, connection.reason === 'cut');
    showText(this.note, noteOf(this.session));
    setData(this.note, 'lost', this.session.state.missed > (this.session.lastCut?.missed ?? 0) ? 'yes' : 'no');
  }
}

const CLOSED = { ended: 'Connection closed: the task has ended', absent: 'Connection closed: there is no such task' };
const RECONNECTING = {
  cut: 'You cut the connection',
  drain: 'This streamer is shutting down; switching to another',
  lifetime: 'Renewing the stream',
  slow: 'Disconnected for reading too slowly',
  overload: 'The streamer is full',
  limit: 'You have as many streams open as you may',
  'signed-out': 'Waiting until you have signed in',
  asleep: 'Suspended',
  lent: 'A request needs the connection',
};

const RESTING = { hidden: 'Paused while this window is hidden', shared: 'Many windows are open: taking turns' };

function phrase({ phase, reason, retryAt }) {
  if (phase === 'open') return 'Connection open';
  if (phase === 'connecting') return 'Connecting …';
  if (phase === 'closed') return CLOSED[reason] ?? 'Connection closed';
  const wait = Math.ceil(retryAt - now());
  if (phase === 'resting') return `${RESTING[reason]} · reconnects ${wait > 0 ? `in ${wait} s` : '…'}`;
  return `${RECONNECTING[reason] ?? 'Reconnecting'} ${wait > 0 ? `· next attempt in ${wait} s` : '…'}`;
}

function noteOf({ lastCut, state }) {
  if (!lastCut) return resetNote(state);
  if (!lastCut.resumedAt) return `Cut at ${clockTime(lastCut.at)} after event ${number(lastCut.n)}. It will resume from the cursor.`;
  const resumed = `Resumed at ${clockTime(lastCut.resumedAt)} on ${lastCut.server || 'a streamer'} after event ${number(lastCut.n)}`;
  if (!lastCut.next) return `${resumed}. Waiting for the next one.`;
  const facts = [
    `${plural(state.missed - lastCut.missed, 'event')} missed`,
    `${number(state.repeated - lastCut.repeated)} repeated`,
    lastCut.skipped ? `${plural(lastCut.skipped, 'tick')} merged into event ${number(lastCut.next)}` : `continued with event ${number(lastCut.next)}`,
  ];
  return `${resumed}: ${facts.join(', ')}.`;
}

function resetNote({ resets, resetReason }) {
  return resets ? `The stream was restarted (${resetReason || 'reset'}): what was shown before was discarded.` : '';
}
