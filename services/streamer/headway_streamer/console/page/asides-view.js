/** Text beside the output: one fold for each channel. It is loaded when a task has such text. */

import { el, setText } from './element.js';
import { capitalised, plural } from './format.js';
import { StreamedText } from './streamed-text.js';

const CLOSED = 'reasoning'; // long, and not what the task was started for

export default class AsidesView {
  #folds = new Map();
  #count = 0;

  /** @param {HTMLElement} node where they are shown */
  constructor(node) {
    this.node = node;
  }

  /** @param {import('./state.js').TaskState} state */
  render({ asides }) {
    for (const [channel, fold] of this.#folds) {
      if (!asides.has(channel)) { fold.node.remove(); this.#folds.delete(channel); }
    }
    for (const [channel, output] of asides) this.#fold(channel).render(output);
  }

  #fold(channel) {
    const known = this.#folds.get(channel);
    if (known) return known;
    const fold = new Fold(channel, `aside-${this.#count++}`);
    this.#folds.set(channel, fold);
    this.node.append(fold.node);
    return fold;
  }
}

class Fold {
  constructor(channel, id) {
    this.streamed = new StreamedText(id);
    this.size = el('span', { class: 'muted small' });
    this.node = el('details', { class: 'card fold', open: channel !== CLOSED },
      el('summary', {}, el('h2', { id }, capitalised(channel)), this.size),
      el('div', { class: 'details-body' }, this.streamed.note, this.streamed.pre));
  }

  /** @param {import('./state.js').Output} output */
  render(output) {
    setText(this.size, plural(output.end, 'character'));
    this.streamed.render(output);
  }
}
