/** The streamer's HTTP interface, see /schema. */

import { noteServerDate } from './clock.js';
import { parse, stringify } from './json.js';

const TIMEOUT_MS = 15_000;

/** A response that is not a success, or no response (`status` 0). */
export class ApiError extends Error {
  /** @param {number} status @param {string} title @param {string} detail @param {{pointer: string, detail: string}[]} errors */
  constructor(status, title, detail, errors = []) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
  }

  /** Whether the same request may succeed later. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** A title, and a detail that says what to do next. */
  get advice() {
    const [title, next] = NEXT[this.status] ?? [this.title, ''];
    return { title, detail: [this.status === 503 ? '' : this.detail, next].filter(Boolean).join(' ') };
  }
}

/** @type {Record<number, [string, string]>} */
const NEXT = {
  0: ['The streamer does not respond', 'Is it running, and are you online? This page keeps trying.'],
  401: ['You are not signed in', 'Sign in, then try again.'],
  403: ['You are not allowed to do this', 'Sign in with an account that is allowed to, then try again.'],
  404: ['Not found', ''],
  409: ['Not possible now', ''],
  413: ['Too large', 'Send less data, for example a link to it.'],
  422: ['Some values are not valid', ''],
  429: ['Too many requests', 'Wait a moment, then try again.'],
  503: ['NATS is unreachable', 'No task can be started; running tasks continue. This page keeps trying.'],
};

let unauthenticated = () => {};

/** @param {() => void} callback called for each answer that asks for a valid token */
export function onUnauthenticated(callback) {
  unauthenticated = callback;
}

/** Relative to the page, so that it also works behind a path prefix. */
export const url = (path) => new URL(path, document.baseURI).href;

/** Loads a script that is not needed for watching every task. Throws an ApiError without an answer. */
export async function load(name) {
  try {
    return await import(url(document.body.dataset[name]));
  } catch {
    throw new ApiError(0, 'No response', '');
  }
}

export const taskUrl = (task, rest = '') => url(`api/v1/tasks/${encodeURIComponent(task)}${rest}`);

export async function call(target, options = {}) {
  const sentAt = Date.now() / 1000;
  let response;
  try {
    response = await fetch(target, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch {
    throw new ApiError(0, 'No response', '');
  }
  noteServerDate(response.headers.get('Date'), sentAt);
  const body = await response.text().then(parse).catch(() => null);
  if (response.status === 401) unauthenticated();
  if (!response.ok) throw problem(response, body);
  return body;
}

function problem(response, body) {
  const title = body?.title || response.statusText || `Status ${response.status}`;
  return new ApiError(response.status, title, body?.detail ?? '', Array.isArray(body?.errors) ? body.errors : []);
}

export const send = (method, target, body, headers = {}) =>
  call(target, { method, body: stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
const post = (target, body, headers = {}) => send('POST', target, body, headers);

export const session = () => call(url('api/v1/session'));
export const signIn = (token) => post(url('session'), { token });
export const signOut = () => send('DELETE', url('session'), {});

export const kinds = async () => (await call(url('api/v1/kinds'))).kinds;
export const processors = () => call(url('api/v1/processors'));
/** @param {string} query from `listQuery` */
export const tasks = (query) => call(url(`api/v1/tasks${query}`));
export const task = (id) => call(taskUrl(id));
export const result = (id) => call(taskUrl(id, '/result'));
export const submit = (submission, key) => post(url('api/v1/tasks'), submission, { 'Idempotency-Key': key });
export const cancel = (id) => post(taskUrl(id, '/cancel'), { reason: 'requested on the page' });
export const remove = (id) => send('DELETE', taskUrl(id), {});
/** @param {{params?: any, resume?: boolean}} how */
export const retry = (id, how) => post(taskUrl(id, '/retry'), how);

/** Returns a random key. `crypto.randomUUID` is available only on https and localhost. */
export function randomKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
