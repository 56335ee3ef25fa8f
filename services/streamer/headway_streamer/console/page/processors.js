/** Which processors are alive, what they run and how busy they are. The page loads this script when it is shown first. */

import { now } from './clock.js';
import { el, icon, setText, showText } from './element.js';
import { age, span } from './format.js';
import { loadOf, sorted, summaryOf } from './processor-load.js';

// Here, so that pages that show a task do without it.
const STYLE = `
.processors { display: grid; gap: .75rem; }
.processor { display: grid; gap: .5rem; padding: 1rem 1.25rem; }
.new > p { padding: 0 .25rem; }
.processor .facts { gap: .125rem 1rem; }
.processor h2 { overflow-wrap: anywhere; }
.processor-head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .125rem .75rem; }
.load { height: 8px; border-radius: 4px; background: var(--track); overflow: hidden; }
.load > div { height: 100%; background: var(--accent-fill); transition: width .35s; }
.load[data-full="yes"] > div { background: var(--warn); }
.other-version { padding: 0 .4375rem; border-radius: 6px; background: var(--warn-soft); color: var(--warn); font-weight: 560; }
@media (forced-colors: active) { .load { border: 1px solid CanvasText; } .load > div { background: Highlight; forced-color-adjust: none; } }
`;
const EMPTY = {
  title: 'No processor is alive',
  detail: 'Tasks wait until one is. Start one with “headway-processor”, or look at the pods and the log of those that should run: '
    + 'a processor is listed as soon as it has reached NATS, and for up to 30 s after it has died.',
};
const FORBIDDEN = {
  title: 'You may not see the processors',
  detail: 'Your account needs the scope processors:read. Ask who gives out the tokens; your tasks are not affected.',
};

export default class Processors {
  /** @type {Map<string, Processor>} */
  #shown = new Map();

  /** @param {typeof import('./api.js')} api */
  constructor(api) {
    this.api = api;
    this.title = 'Processors';
    this.heading = el('h1', { tabindex: '-1' }, this.title);
    this.summary = el('p', { class: 'muted' }, 'Loading …');
    this.items = el('ul', { class: 'processors' });
    this.empty = el('div', { class: 'empty', hidden: true });
    this.node = el('article', { class: 'new' },
      el('a', { class: 'back', href: '#' }, icon('back'), 'All tasks'), this.heading, this.summary, this.items, this.empty);
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    document.adoptedStyleSheets.push(style);
  }

  /** Asks for the processors. What was shown stays while there is no answer. */
  async refresh() {
    try {
      this.#show(await this.api.processors());
    } catch (error) {
      if (!(error instanceof this.api.ApiError)) throw error;
      if (error.status === 403) this.#show({ processors: [] }, FORBIDDEN);
      else if (error.status !== 401) showText(this.summary, `${error.advice.title}. ${error.advice.detail}`);
    }
  }

  #show({ processors, version }, empty = EMPTY) {
    const ordered = sorted(processors);
    this.#shown = new Map(ordered.map((one) => [one.id, this.#shown.get(one.id) ?? new Processor()]));
    for (const one of ordered) this.#shown.get(one.id)?.update(one, version, now());
    const nodes = [...this.#shown.values()].map(({ node }) => node);
    if (nodes.some((node, place) => this.items.children[place] !== node) || nodes.length !== this.items.children.length) this.items.replaceChildren(...nodes);
    showText(this.summary, summaryOf(processors, version));
    this.empty.hidden = nodes.length > 0;
    if (!nodes.length) this.empty.replaceChildren(el('h2', {}, empty.title), el('p', { class: 'muted' }, empty.detail));
  }
}

class Processor {
  constructor() {
    this.name = el('h2');
    this.count = el('span', { class: 'muted small' });
    this.fill = el('div');
    this.bar = el('div', { class: 'load', role: 'meter', 'aria-valuemin': '0' }, this.fill);
    this.kinds = el('p', { class: 'facts' });
    this.version = el('span');
    this.other = el('span', { class: 'other-version', hidden: true });
    this.since = el('span');
    this.renewed = el('span');
    this.node = el('li', { class: 'card processor' },
      el('div', { class: 'processor-head' }, this.name, this.count), this.bar, this.kinds,
      el('p', { class: 'facts' }, this.version, this.other, this.since, this.renewed));
  }

  /** @param {import('./processor-load.js').Record} one @param {string} version of the streamer @param {number} at its time */
  update(one, version, at) {
    const load = loadOf(one);
    setText(this.name, one.name || one.id);
    setText(this.count, load.text);
    this.#measure(load, one);
    setText(this.kinds, one.kinds.length ? one.kinds.join(' · ') : 'no kinds');
    setText(this.version, one.version ? `version ${one.version}` : 'an earlier version');
    showText(this.other, one.version === version ? '' : 'differs from the streamer’s');
    showText(this.since, one.since ? `alive for ${span(Math.floor(at - one.since))}` : '');
    showText(this.renewed, one.renewed ? `renewed ${age(at - one.renewed)}` : '');
  }

  #measure(load, one) {
    this.bar.hidden = !load.slots;
    this.bar.dataset.full = load.share >= 1 ? 'yes' : 'no';
    this.fill.style.width = `${load.share * 100}%`;
    const words = { label: `Load of ${one.name || one.id}`, valuenow: load.running, valuemax: load.slots, valuetext: load.text };
    for (const [name, value] of Object.entries(words)) this.bar.setAttribute(`aria-${name}`, String(value));
  }
}
