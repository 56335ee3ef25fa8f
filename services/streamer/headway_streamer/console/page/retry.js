/** The form that starts a task again with other parameters. A script of its own, loaded when somebody asks for it. */

import { el, isOff, setOff } from './element.js';
import { prefilled } from './prefill.js';

const AGAIN = 'Look at the list before you press it again: the task may have started.';

/**
 * Opens the form for a task that has ended. Throws an ApiError, also when nobody knows the kind of the task any more.
 * @param {typeof import('./api.js')} api @param {any} record of the task
 * @param {{started: (task: string) => void, cancelled: () => void}} then
 */
export async function open(api, record, then) {
  const [{ Parameters, fieldsOf }, kinds] = await Promise.all([api.load('form'), api.kinds()]);
  const kind = kinds.find((one) => one.kind === record.kind);
  if (!kind) throw new api.ApiError(409, '', `No processor has offered the kind ${record.kind} for a long time, so its parameters are not known. Start one that does.`);
  const parameters = new Parameters(api);
  parameters.show(prefilled(fieldsOf(kind.params ?? {}), record.params ?? {}));
  return new RetryForm(api, record, parameters, kind, then);
}

class RetryForm {
  constructor(api, record, parameters, kind, then) {
    Object.assign(this, { api, record, parameters, then });
    this.heading = el('h2', { id: 'retry-heading', tabindex: '-1' }, `Other parameters for ${record.title || record.kind}`);
    this.button = el('button', { class: 'primary', type: 'submit' }, 'Start with these');
    this.node = el('form', { class: 'card form-card', 'aria-labelledby': 'retry-heading', novalidate: true, submit: (event) => this.#submit(event), ...parameters.drops },
      this.heading, kind.live === false && el('p', { class: 'muted' }, 'No processor offers this kind now: the task waits for one.'),
      parameters.node, parameters.problem,
      el('div', { class: 'form-end' }, this.button, el('button', { type: 'button', click: () => then.cancelled() }, 'Cancel')));
  }

  async #submit(event) {
    event.preventDefault();
    if (isOff(this.button)) return;
    const params = this.parameters.read();
    if (!params) return;
    setOff(this.button, true);
    try {
      if (!await this.parameters.upload(params)) return;
      const { task } = await this.api.retry(this.record.task, { params });
      this.then.started(task);
    } catch (error) {
      if (!(error instanceof this.api.ApiError)) throw error;
      this.parameters.fail(error, AGAIN);
    } finally {
      setOff(this.button, false);
    }
  }
}
