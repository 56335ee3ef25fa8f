/** Entry point of the page. The hash of the URL selects the task, its query the tasks that are listed. */

import { announcement, title } from './announcer.js';
import * as api from './api.js';
import { now } from './clock.js';
import { icon, setText, showText } from './element.js';
import { plural } from './format.js';
import { List } from './list.js';
import { Session } from './session.js';
import { filtersOf, listQuery } from './query.js';
import { initial, TERMINAL } from './state.js';
import { TaskView } from './task-view.js';

const LIST_LIMIT = 30;
const LIST_SECONDS = 4;
const KINDS_SECONDS = 30;
const HIDDEN_RENDER_MS = 1000;
const NEW = 'new';
/** Views without a task beside the form, by their name in the hash: ids of tasks have no slash. */
const VIEWS = { '/processors': 'processors', '/dead-letters': 'letters' };
const SCOPES = { processors: 'processors:read', letters: 'dead:read' };
const WIDE = '(min-width: 640px)'; // list and task side by side, as in page.css

const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const main = byId('main');
const notice = byId('notice');
const live = byId('live');
const skip = byId('skip');
const loading = main.firstElementChild;

const list = new List();
const filterButton = byId('filter');
/** @type {Record<string, any>} the views without a task that were shown */
const plain = {};
/** @type {import('./filter.js').Filters|null} null until they are opened */
let filters = null;
/** The query whose tasks are listed, or requested. */
let { search } = location;
/** @type {Session|null} */
let session = null;
/** @type {TaskView|null} */
let view = null;
let announced = initial('');
let rendering = false;
let kindsAt = 0;
let routed = false;
let started = false;
/** Without access control everybody is signed in. */
let access = { status: 'in', check: async () => {} };
/** @type {any[]|null} the latest task list; null before the first response */
let latest = null;

byId('list').append(list.node);
byId('start').prepend(icon('plus'));
skip.addEventListener('click', (event) => {
  event.preventDefault(); // the hash names a task
  (document.body.dataset.pane === 'main' ? shown()?.heading : byId('list').querySelector('h1'))?.focus();
});

function go(task) {
  location.hash = encodeURIComponent(task);
}

/** Begins, or continues after a sign-in. */
function start() {
  for (const [name, scope] of Object.entries(SCOPES)) byId(name).hidden = access.caller && !access.caller.scopes.includes(scope);
  if (started) {
    session?.resume();
    refreshList();
    refreshKinds();
    return void rescueFocus();
  }
  started = true;
  route();
  if (filtersOf(location.search).size && matchMedia(WIDE).matches) toggleFilters().catch(warn);
  poll();
}

/** Shows the task of the hash; without a hash the newest running task, if the window is wide enough for it. */
function route() {
  if (!started) return;
  const name = hashName() || running();
  const task = name === NEW || VIEWS[name] ? '' : name;
  if (name && !hashName()) history.replaceState(null, '', `#${encodeURIComponent(name)}`);
  document.body.dataset.pane = name ? 'main' : 'list';
  if (task !== (session?.task ?? '')) showTask(task);
  list.select(task);
  setText(skip, `Skip to the ${task ? 'task' : plainName()}`);
  byId('start').toggleAttribute('aria-current', !task && !VIEWS[name]);
  for (const one of Object.keys(SCOPES)) byId(one).toggleAttribute('aria-current', VIEWS[name] === one);
  render();
  if (!task && (name || latest)) showPlain();
  else rescueFocus();
}

function running() {
  if (!latest || !matchMedia(WIDE).matches) return '';
  const open = latest.filter(({ state }) => !TERMINAL.has(state?.status));
  return (open.find(({ state }) => state?.status === 'processing') ?? open[0])?.task ?? '';
}

function hashName() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

function showTask(task) {
  session?.close();
  session = task ? new Session(task, schedule) : null;
  view = session && new TaskView(session, (next) => { go(next); refreshList(); });
  announced = initial(task);
  main.replaceChildren(view?.node ?? loading);
  scrollTo(0, 0);
  session?.open();
}

/** The name of the view without a task that the hash asks for. */
const plainName = () => VIEWS[hashName()] ?? 'form';

/** What is shown beside the list. */
const shown = () => view ?? plain[plainName()];

async function showPlain() {
  const name = plainName();
  try {
    const { default: View } = await api.load(name);
    plain[name] ??= new View(api, (task) => { go(task); refreshList(); });
    if (name === 'form' && !kindsAt) refreshKinds();
  } catch (error) {
    return warn(error); // `poll` tries again
  }
  if (session || name !== plainName()) return;
  plain[name].refresh?.();
  if (plain[name].node.isConnected) return;
  main.replaceChildren(plain[name].node);
  render(); // the title
  rescueFocus();
}

/** Moves the focus to the heading if the focused element was hidden by navigation. */
function rescueFocus() {
  const focused = document.activeElement;
  const lost = !focused || focused === document.body || focused.checkVisibility?.() === false;
  if (lost && document.body.dataset.pane === 'main' && routed) shown()?.heading.focus({ preventScroll: true });
  routed = true;
}

/** Renders once for many events. A hidden page gets no animation frames, but its title is updated. */
function schedule() {
  if (rendering) return;
  rendering = true;
  if (document.hidden) setTimeout(render, HIDDEN_RENDER_MS);
  else requestAnimationFrame(render);
}

function render() {
  rendering = false;
  document.title = title(session?.state, session ? session.name || 'Task' : shown()?.title);
  if (!session || !view) return;
  view.render();
  list.patch(session.state);
  const text = announcement(announced, session.state, session.name);
  if (text) setText(live, text);
  announced = session.state;
}

async function refreshList() {
  const wanted = search = location.search;
  try {
    const { tasks, cursor } = await api.tasks(listQuery(wanted, LIST_LIMIT, now()));
    if (wanted !== search) return;
    list.show(tasks, wanted, cursor);
    opened(tasks);
    session?.lookFor(tasks);
    const mine = tasks.find((summary) => summary.task === session?.task);
    if (mine && session.failure?.status === 404) showTask(session.task); // its worker has reported it since
    else if (mine) session.compare(mine);
    warn(null);
  } catch (error) {
    opened([]);
    list.locate(wanted);
    warn(error.status === 401 ? null : error);
  }
}

/** Lists what another query asks for. On a phone the list takes the place of the task. */
function visit(query, replace = false) {
  const hash = matchMedia(WIDE).matches ? location.hash : '';
  history[replace ? 'replaceState' : 'pushState'](null, '', location.pathname + query.replace(/^\?$/, '') + hash);
  route();
  searched();
}

async function searched() {
  if (location.search === search) return;
  filters?.show();
  await refreshList();
  setText(live, latest?.length ? plural(latest.length, 'task') : 'No task');
}

/** Opens the filters, or closes them. */
async function toggleFilters() {
  if (filters) filters.node.hidden = !filters.node.hidden;
  else {
    const { Filters } = await api.load('filter');
    filters ??= new Filters(api, { visit, known: () => latest ?? [], seesOthers: () => access.caller?.scopes.includes('tasks:all') });
    list.node.before(filters.node);
    filterButton.setAttribute('aria-controls', filters.node.id);
  }
  filterButton.setAttribute('aria-expanded', String(!filters.node.hidden));
}

/** The first response decides what is shown without a hash. */
function opened(summaries) {
  const first = !latest;
  latest = summaries;
  if (first && !hashName()) route();
}

async function refreshKinds() {
  const { form } = plain;
  if (!form) return;
  kindsAt = Date.now();
  try {
    form.showKinds(await api.kinds());
  } catch (error) {
    kindsAt = Date.now() - (KINDS_SECONDS - LIST_SECONDS) * 1000;
    if (error instanceof api.ApiError) form.showFailure(error);
    else throw error;
  }
}

/** @param {any} error */
function warn(error) {
  if (error && !(error instanceof api.ApiError)) throw error;
  showText(notice, error ? `${error.advice.title}. ${error.advice.detail}` : '');
}

/** Polls while the page is visible; never twice at once. */
async function poll() {
  if (!document.hidden && access.status !== 'out') {
    if (access.status === 'unknown') await access.check();
    await refreshList();
    if (!session) await showPlain();
    const none = plain.form?.form.hidden;
    if (Date.now() - kindsAt > (none ? LIST_SECONDS : KINDS_SECONDS) * 1000) await refreshKinds();
  }
  setTimeout(poll, LIST_SECONDS * 1000);
}

function wake(sure) {
  if (access.status === 'out') return void access.check(); // signed in in another window?
  session?.stream.wake(sure);
  refreshList();
}

/** Links that change the query alone. */
function follow(event) {
  const link = event.target.closest('a[href^="?"]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  visit(link.search);
}

filterButton.addEventListener('click', () => toggleFilters().then(() => filters?.focus(), warn));
addEventListener('click', follow);
addEventListener('popstate', () => { route(); searched(); }); // there is no hashchange where the query differs, too
addEventListener('hashchange', route);
addEventListener('online', () => wake(true));
addEventListener('pagehide', () => session?.stream.pause());
addEventListener('pageshow', (event) => { if (event.persisted) wake(true); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(false); });
setInterval(() => {
  if (document.hidden) return;
  list.tick();
  schedule();
}, 1000);

if (document.body.dataset.signIn) {
  const { guard } = await api.load('signIn');
  access = guard(api, { start, warn, say: (text) => setText(live, text), line: byId('access'), content: [byId('shell'), skip] });
} else start();
