/** Commands that watch this task and start another one like it. */

import { taskUrl, url } from './api.js';
import { copyButton } from './copy-button.js';
import { el } from './element.js';
import { stringify } from './json.js';

export class CommandsView {
  #written = '';

  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.session = session;
    this.body = el('div', { class: 'details-body commands' });
    this.node = el('details', { class: 'card fold' }, el('summary', {}, el('h2', {}, 'Watch and start it from elsewhere')), this.body);
  }

  render() {
    const { task, record, failure } = this.session;
    this.node.hidden = Boolean(failure && !record);
    if (this.#written === (record?.task ?? '-')) return;
    this.#written = record?.task ?? '-';
    const commands = [
      ['Watch in a terminal', `headway watch ${word(task)} --server ${word(url('').replace(/\/$/, ''))}`],
      ['Watch without installing anything', `curl -N ${quoted(taskUrl(task, '/stream'))}${bearer()}`],
      ['Watch in a page', `new EventSource('${taskUrl(task, '/stream')}').onmessage = (e) => console.log(JSON.parse(e.data))`],
      ['Query once', `curl ${quoted(taskUrl(task))}${bearer()}`],
    ];
    if (record && !record.reported) commands.push(['Start another task like it', startCommand(record)]);
    this.body.replaceChildren(...commands.map(([title, text]) => commandView(title, text)));
  }
}

function startCommand({ kind, params }) {
  const body = stringify({ kind, params: params ?? {} });
  return `curl ${quoted(url('api/v1/tasks'))} -H 'Content-Type: application/json'${bearer()} -d ${quoted(body)}`;
}

/** A token of the reader's own: this page cannot read the one that it is signed in with. */
const bearer = () => (document.body.dataset.access === 'jwt' ? ' -H "Authorization: Bearer $HEADWAY_TOKEN"' : '');
const word = (text) => (/^[\w./:@-]+$/.test(text) && !text.startsWith('-') ? text : quoted(text));
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const commandView = (title, text) =>
  el('div', { class: 'command' }, el('div', { class: 'part-head' }, el('h3', {}, title), copyButton(`“${title}”`, () => text, 'Copy')),
    el('pre', { tabindex: '0', 'aria-label': title }, text));
