/** The output text of the current attempt. */

import { copyButton } from './copy-button.js';
import { el } from './element.js';
import { StreamedText } from './streamed-text.js';

export class OutputView {
  constructor() {
    this.streamed = new StreamedText('output-heading');
    this.node = el('section', { class: 'card part', hidden: true },
      el('div', { class: 'part-head' }, el('h2', { id: 'output-heading' }, 'Output'), copyButton('the output', () => this.streamed.text)),
      this.streamed.note, this.streamed.pre);
  }

  /** @param {import('./state.js').TaskState} state */
  render({ output }) {
    this.node.hidden = !output.end;
    this.streamed.render(output);
  }
}
