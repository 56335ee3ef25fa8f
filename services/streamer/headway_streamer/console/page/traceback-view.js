/** The traceback of a failed attempt, folded. Hidden when the processor does not send one. */

import { copyButton } from './copy-button.js';
import { el, setText } from './element.js';

export class TracebackView {
  constructor() {
    this.text = el('pre', { class: 'json', tabindex: '0', 'aria-label': 'Traceback' });
    this.node = el('details', { class: 'trace', hidden: true },
      el('summary', {}, 'Traceback'), this.text, copyButton('the traceback', () => this.text.textContent, 'Copy'));
  }

  /** @param {{traceback?: string}|null} error */
  render(error) {
    this.node.hidden = !error?.traceback;
    setText(this.text, error?.traceback ?? '');
  }
}
