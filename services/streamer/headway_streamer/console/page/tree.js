/** The parts of a task as a tree, with a bar for each. The page loads this script for a task that has parts. */

import { el, setText } from './element.js';
import { Row } from './list.js';
import { isTerminal } from './state.js';

const LIMIT = 50;
const REFRESH_MS = 3000;
const STYLE = `
.tree { display: grid; gap: .5rem; }
.tree ul { display: grid; gap: .125rem; padding: 0; margin: 0; list-style: none; }
.tree ul ul { margin-left: 1.25rem; border-left: 1px solid var(--line); padding-left: .5rem; }
.tree .row { padding: .4375rem .5rem; }
`;

/** Whether the count of a state is that of parts. @param {any} state */
const hasParts = (state) => state?.unit === 'parts' || state?.unit === 'tasks';

export default class Tree {
  /** @type {Branch|null} */
  branch = null;
  #at = 0;
  #ended = false;

  /** @param {HTMLElement} node where it is shown @param {typeof import('./api.js')} api */
  constructor(node, api) {
    this.api = api;
    this.items = el('div');
    node.append(el('section', { class: 'card tree', 'aria-labelledby': 'parts' }, el('h2', { id: 'parts' }, 'Parts'), this.items));
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((one) => !('tree' in one)), Object.assign(style, { tree: true })];
  }

  /** Asks for the parts every few seconds while the task runs, and once at its end. @param {import('./state.js').TaskState} state */
  render(state) {
    const ended = isTerminal(state);
    if (this.#ended || (Date.now() - this.#at < REFRESH_MS && !ended)) return;
    this.#at = Date.now();
    this.#ended = ended;
    if (!this.branch) this.items.append((this.branch = new Branch(this.api, state.task)).node);
    this.branch.refresh();
  }
}

/** The parts of one task. */
class Branch {
  /** @type {Map<string, Part>} */
  #parts = new Map();

  constructor(api, task) {
    this.api = api;
    this.task = task;
    this.items = el('ul');
    this.more = el('a', { href: `?parent=${encodeURIComponent(task)}`, hidden: true }, 'More in the list');
    this.note = el('p', { class: 'muted small', hidden: true });
    this.node = el('div', {}, this.items, this.more, this.note);
  }

  /** What was shown stays while there is no answer. */
  async refresh() {
    try {
      const { tasks, cursor } = await this.api.tasks(`?parent=${encodeURIComponent(this.task)}&limit=${LIMIT}`);
      this.#show(tasks.reverse());
      this.more.hidden = !cursor;
      this.note.hidden = true;
    } catch (error) {
      if (!(error instanceof this.api.ApiError)) throw error;
      this.note.hidden = false;
      setText(this.note, `${error.advice.title}. ${error.advice.detail}`);
    }
    for (const part of this.#parts.values()) part.branch?.refresh();
  }

  #show(tasks) {
    for (const summary of tasks) {
      let part = this.#parts.get(summary.task);
      if (!part) {
        part = new Part(this.api, summary);
        this.#parts.set(summary.task, part);
        this.items.append(part.node);
      }
      part.update(summary.state);
    }
  }
}

/** One part, and its own parts once they are asked for. */
class Part {
  /** @type {Branch|null} */
  branch = null;

  constructor(api, summary) {
    this.api = api;
    this.task = summary.task;
    this.row = new Row(summary);
    this.row.tick();
    this.button = el('button', { type: 'button', class: 'quiet', hidden: true, 'aria-expanded': 'false', click: () => this.#toggle() },
      `Parts of ${summary.title || summary.kind}`);
    this.node = this.row.node;
    this.node.append(this.button);
  }

  update(state) {
    this.row.update(state);
    this.button.hidden = !hasParts(state);
  }

  #toggle() {
    if (this.branch) {
      this.branch.node.remove();
      this.branch = null;
    } else {
      this.branch = new Branch(this.api, this.task);
      this.node.append(this.branch.node);
      this.branch.refresh();
    }
    this.button.setAttribute('aria-expanded', String(Boolean(this.branch)));
  }
}
