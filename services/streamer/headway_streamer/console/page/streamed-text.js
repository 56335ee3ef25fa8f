/** Text that grows at its end. New text is appended; the text kept in the document is bounded. */

import { el, showText } from './element.js';
import { plural } from './format.js';
import { MAX_OUTPUT } from './state.js';

const NEAR_END = 24;

export class StreamedText {
  #attempt = 0;
  #first = 0; // positions in UTF-16 units from the start of the attempt's text
  #next = 0;
  text = '';

  /** @param {string} heading id of the element that names the text */
  constructor(heading) {
    this.pre = el('pre', { class: 'output', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-labelledby': heading });
    this.note = el('p', { class: 'muted small', hidden: true });
  }

  /** @param {import('./state.js').Output} output */
  render(output) {
    const kept = output.cut + output.text.length;
    if (output.attempt === this.#attempt && kept === this.#next && output.text.length) return;
    this.text = output.text;
    const atEnd = this.pre.scrollHeight - this.pre.scrollTop - this.pre.clientHeight < NEAR_END;
    if (this.#continues(output, kept)) this.pre.append(output.text.slice(this.#next - output.cut));
    else this.#rebuild(output);
    this.#attempt = output.attempt;
    this.#next = kept;
    if (atEnd) this.pre.scrollTop = this.pre.scrollHeight;
    showText(this.note, noteOf(output, this.#first));
  }

  #continues(output, kept) {
    return output.attempt === this.#attempt && this.#next >= output.cut && this.#next <= kept && kept - this.#first < 2 * MAX_OUTPUT;
  }

  #rebuild(output) {
    const text = output.text.slice(-MAX_OUTPUT);
    this.#first = output.cut + output.text.length - text.length;
    this.pre.replaceChildren(text);
  }
}

function noteOf({ holes }, first) {
  return [
    first ? `The first ${plural(first, 'character')} are no longer shown.` : '',
    holes ? `${plural(holes, 'character')} are no longer in the log.` : '',
  ].filter(Boolean).join(' ');
}
