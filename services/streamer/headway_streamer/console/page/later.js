/** A part of the task view whose script is loaded when a task has something for it to show. */

import { load } from './api.js';
import { el } from './element.js';

export class LaterPart {
  #view = null;
  #state = null;
  node = el('div', { class: 'later', hidden: true });

  /** @param {string} name of the script @param {(state: import('./state.js').TaskState) => unknown} wanted */
  constructor(name, wanted) {
    this.name = name;
    this.wanted = wanted;
  }

  /** @param {import('./state.js').TaskState} state */
  render(state) {
    this.node.hidden = !this.wanted(state);
    if (!this.node.hidden && !this.#state) this.#load();
    this.#state = state;
    this.#view?.render(state);
  }

  async #load() {
    const script = await load(this.name).catch(() => null);
    if (!script) return void (this.#state = null); // the next rendering tries again
    this.#view = new script.default(this.node);
    this.#view.render(this.#state);
  }
}
