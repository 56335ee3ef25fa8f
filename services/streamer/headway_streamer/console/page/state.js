/**
 * The state of one task, reduced from the events of its stream.
 * Pure: no document, no clock, no network. `reduce` returns a new state and does not change the old one.
 */

/** @typedef {'queued'|'processing'|'retrying'|'completed'|'error'|'cancelled'} Status */
/** @typedef {'active'|'done'|'retrying'|'error'|'cancelled'} Outcome */
/**
 * @typedef {object} Step
 * @property {string} name
 * @property {number} attempt
 * @property {number} start seconds since 1970
 * @property {number|null} end
 * @property {Outcome} outcome
 * @property {number|undefined} done
 * @property {string} unit
 */
/**
 * @typedef {object} Output the text of the chunks of one attempt
 * @property {number} attempt
 * @property {number} end characters (code points) received, as `offset` counts them
 * @property {string} text the newest part
 * @property {number} cut UTF-16 units before `text` that are no longer kept
 * @property {number} holes characters that were not received (the history was trimmed)
 */
/**
 * @typedef {object} TaskState
 * @property {string} task
 * @property {number} n of the last event
 * @property {number} attempt
 * @property {Status|''} status empty until the first progress
 * @property {number} progress
 * @property {string} message
 * @property {string} step
 * @property {string} state a word of the worker's own for what it does
 * @property {number|undefined} done
 * @property {number|undefined} total
 * @property {string} unit
 * @property {number|undefined} rate
 * @property {{done: number, total?: number, unit?: string, label?: string}|null} sub a count within `done`
 * @property {number|undefined} eta seconds left at the time `at`
 * @property {number} at when the last progress was written
 * @property {number} lastAt when the last event was written
 * @property {number} started when the first attempt began; 0 before
 * @property {number} grew when the total last grew; 0 if it did not
 * @property {unknown} data the result, when completed
 * @property {number} checkpoint from which another attempt would continue; 0 without one
 * @property {{type: string, message: string, retryable?: boolean, transient?: boolean, traceback?: string}|null} error
 * @property {Step[]} steps
 * @property {{attempt: number, message: string, traceback: string}[]} failures of earlier attempts
 * @property {Output} output
 * @property {Map<string, Output>} asides text beside the output, by channel
 * @property {{n: number, at: number, level: string, message: string, logger: string}[]} lines
 * @property {number} linesLeftOut older log lines that are no longer kept
 * @property {string|null} cancelReason reason of a requested cancellation
 * @property {number|null} stalledSince when the streamer last saw an event or a task beat, if it reported the task as stalled
 * @property {number} merged progress ticks that were merged into a later one
 * @property {number} missed events that were not received
 * @property {number} repeated events that were received twice and ignored
 * @property {number} resets
 * @property {string} resetReason
 * @property {boolean} fresh no event since the beginning or the last reset
 */

export const TERMINAL = new Set(['completed', 'error', 'cancelled']);
export const MAX_OUTPUT = 200_000;
export const MAX_LINES = 500;
export const MAX_STEPS = 200;

/** @param {string} task @returns {TaskState} */
export function initial(task) {
  return {
    task, n: 0, attempt: 0, status: '', progress: 0, checkpoint: 0, message: '', step: '', state: '',
    done: undefined, total: undefined, unit: '', rate: undefined, eta: undefined, sub: null,
    at: 0, lastAt: 0, started: 0, grew: 0, data: undefined, error: null,
    steps: [], failures: [], output: noOutput(0), asides: new Map(), lines: [], linesLeftOut: 0, cancelReason: null, stalledSince: null,
    merged: 0, missed: 0, repeated: 0, resets: 0, resetReason: '', fresh: true,
  };
}

/** @param {TaskState} state */
export const isTerminal = (state) => TERMINAL.has(state.status);

/**
 * @param {TaskState} state
 * @param {string} type `progress` or the name of the SSE event
 * @param {any} data
 * @param {number} now seconds since 1970
 * @returns {TaskState}
 */
export function reduce(state, type, data, now) {
  if (type === 'reset') return afterReset(state, data);
  // A new connection reports a stalled task again.
  if (type === 'hello' || type === 'resumed') return { ...state, stalledSince: null };
  if (type === 'stalled') return { ...state, stalledSince: data.seconds > 0 ? now - data.seconds : null };
  const apply = APPLY[type];
  if (!apply) return state;
  if (data.n <= state.n) return { ...state, repeated: state.repeated + 1 };
  return { ...apply(counted(state, type, data), data), n: data.n, lastAt: data.at, stalledSince: null, fresh: false };
}

const APPLY = {
  __proto__: null,
  progress: afterProgress,
  chunk: (state, event) => ({ ...state, output: outputAfter(state.output, event) }),
  aside: afterAside,
  log: afterLine,
  cancel: (state, event) => ({ ...state, cancelReason: event.reason ?? '' }),
};

function afterReset(state, data) {
  return {
    ...initial(state.task), resets: state.resets + 1, resetReason: data.reason ?? '',
    merged: state.merged, missed: state.missed, repeated: state.repeated,
  };
}

/** Only progress ticks are merged into a later one, so a gap before another event is a loss. */
function counted(state, type, event) {
  const skipped = state.fresh && state.resets ? 0 : event.n - state.n - 1;
  if (skipped <= 0) return state;
  return type === 'progress'
    ? { ...state, merged: state.merged + skipped }
    : { ...state, missed: state.missed + skipped };
}

function afterProgress(state, event) {
  const sameStep = event.attempt === state.attempt && (event.step ?? '') === state.step;
  const grows = sameStep && state.total !== undefined && event.total > state.total;
  const output = event.attempt > state.output.attempt ? noOutput(event.attempt) : state.output;
  return {
    ...state,
    attempt: event.attempt, status: event.status, progress: event.progress ?? 0,
    message: event.message ?? '', step: event.step ?? '', state: event.state ?? '',
    done: event.done, total: event.total, unit: event.unit ?? '', rate: event.rate, eta: event.eta, sub: event.sub ?? null,
    at: event.at, started: state.started || (event.status === 'processing' ? event.at : 0),
    grew: grows ? event.at : sameStep ? state.grew : 0,
    checkpoint: event.checkpoint ?? 0, data: event.data, error: event.error ?? null, output,
    asides: event.attempt > state.attempt ? new Map() : state.asides,
    steps: stepsAfter(state, event), failures: failuresAfter(state, event),
  };
}

function afterAside(state, event) {
  const before = state.asides.get(event.channel) ?? noOutput(event.attempt);
  return { ...state, asides: new Map(state.asides).set(event.channel, outputAfter(before, event)) };
}

function afterLine(state, event) {
  const line = { n: event.n, at: event.at, level: event.level ?? 'info', message: event.message, logger: event.logger ?? '' };
  const surplus = Math.max(0, state.lines.length + 1 - MAX_LINES);
  return { ...state, lines: [...state.lines.slice(surplus), line], linesLeftOut: state.linesLeftOut + surplus };
}

function failuresAfter({ failures }, { status, attempt, error }) {
  if (status !== 'retrying' || !error) return failures;
  return [...failures.filter((one) => one.attempt !== attempt), { attempt, message: `${error.type}: ${error.message}`, traceback: error.traceback ?? '' }];
}

/** @returns {Step[]} */
function stepsAfter(state, event) {
  const { steps } = state;
  const last = steps.at(-1);
  const open = last && last.end === null;
  if (TERMINAL.has(event.status)) {
    if (!open) return steps;
    const counted = event.step === last.name && event.done !== undefined ? [...steps.slice(0, -1), counts(last, event)] : steps;
    return closed(counted, event.at, event.status === 'completed' ? 'done' : event.status);
  }
  if (event.status !== 'processing') return open ? closed(steps, event.at, 'retrying') : steps;
  if (!event.step) return open && last.attempt !== event.attempt ? closed(steps, event.at, 'retrying') : steps;
  if (open && last.name === event.step && last.attempt === event.attempt) return [...steps.slice(0, -1), counts(last, event)];
  // The first ticks of a step may have been merged into this one: then the step began right after the previous event.
  const start = event.n > state.n + 1 && state.lastAt ? state.lastAt : event.at;
  const before = open ? closed(steps, start, last.attempt === event.attempt ? 'done' : 'retrying') : steps;
  const step = { name: event.step, attempt: event.attempt, start, end: null, outcome: 'active' };
  return [...before.slice(-MAX_STEPS + 1), counts(step, event)];
}

const counts = (step, event) => ({ ...step, done: event.done, unit: event.unit ?? '' });

const closed = (steps, end, outcome) => [...steps.slice(0, -1), { ...steps.at(-1), end, outcome }];

/** @returns {Output} */
const noOutput = (attempt) => ({ attempt, end: 0, text: '', cut: 0, holes: 0 });

/** @param {Output} output @returns {Output} */
function outputAfter(output, chunk) {
  if (chunk.attempt < output.attempt) return output;
  const base = chunk.attempt > output.attempt ? noOutput(chunk.attempt) : output;
  const fresh = afterPoints(chunk.text, base.end - chunk.offset);
  const end = Math.max(base.end, chunk.offset + codePoints(chunk.text));
  const text = base.text + fresh;
  // Trimmed rarely and by much, so that a long output is not copied for each chunk.
  const surplus = text.length > 2 * MAX_OUTPUT ? text.length - MAX_OUTPUT : 0;
  return {
    attempt: base.attempt, end, text: text.slice(surplus), cut: base.cut + surplus,
    holes: base.holes + Math.max(0, chunk.offset - base.end),
  };
}

/** Length of `text` in code points, which is what offsets count. */
export function codePoints(text) {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if (text.charCodeAt(i) >> 10 === 0x36 && text.charCodeAt(i + 1) >> 10 === 0x37) { count--; i++; }
  }
  return count;
}

/** `text` without its first `count` code points. */
function afterPoints(text, count) {
  return count > 0 ? Array.from(text).slice(count).join('') : text;
}
