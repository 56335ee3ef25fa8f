/** A part of the task view whose script is loaded when a task has something for it to show. */

import * as api from './api.js';
import { el } from './element.js';

export class LaterPart {
  #view = null;
  #state = null;
  #loading = false;
  node = el('div', { class: 'later', hidden: true });

  /** @param {string} name of the script @param {(state: import('./state.js').TaskState) => unknown} wanted */
  constructor(name, wanted) {
    this.name = name;
    this.wanted = wanted;
  }

  /** @param {import('./state.js').TaskState} state */
  render(state) {
    this.#state = state;
    this.node.hidden = !this.wanted(state);
    if (this.#view) this.#view.render(state);
    else if (!this.node.hidden && !this.#loading) this.#load();
  }

  async #load() {
    this.#loading = true;
    const script = await api.load(this.name).catch(() => null);
    this.#loading = false;
    if (!script) return; // the next rendering tries again
    this.#view = new script.default(this.node, api);
    this.#view.render(this.#state);
  }
}
