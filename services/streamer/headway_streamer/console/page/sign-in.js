/** Entry point of the script that the page loads where there is access control. */

import { Access } from './access.js';
import { el } from './element.js';
import { clockTime } from './format.js';
import { SignInView } from './sign-in-view.js';

const HASH = 'headway-hash';
// Here, so that pages without access control do without it.
const STYLE = `
.sign-in { display: grid; grid-template-columns: minmax(0, 1fr); gap: .875rem; width: min(30rem, 100% - 1.5rem); margin: 1.75rem auto; padding: 1.5rem; }
.sign-in .button, .sign-in button { justify-self: start; width: max-content; max-width: 100%; padding-inline: .75rem; white-space: normal; }
.sign-in form { margin-top: .375rem; }
.access .quiet { min-height: 1.5rem; font-size: inherit; text-decoration: underline; text-underline-offset: .2em; }
`;

/**
 * @typedef {object} Page
 * @property {() => void} start called when somebody is signed in, and again after each further sign-in
 * @property {(text: string) => void} say to screen readers
 * @property {(error: any) => void} warn
 * @property {HTMLElement} line that tells who is signed in
 * @property {HTMLElement[]} content hidden until somebody is; the sign-in is shown before the first
 */

/**
 * Finds out who is signed in, and asks for a sign-in where nobody is.
 * @param {typeof import('./api.js')} api
 * @param {Page} page
 */
export function guard(api, page) {
  const { access: mode = '', provider } = document.body.dataset;
  const access = new Access(api, mode, change);
  const view = new SignInView(access, provider !== undefined, keepHash);
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  document.adoptedStyleSheets.push(style);
  page.content[0].before(view.node);
  hide(true);

  function hide(hidden) {
    for (const node of page.content) node.hidden = hidden;
  }

  function change() {
    if (access.changed) return void location.reload();
    view.render();
    showCaller();
    if (access.status === 'out') {
      if (access.expired) page.say('Your session has ended. Sign in again to continue.');
      return;
    }
    restoreHash();
    hide(false);
    page.start();
  }

  function showCaller() {
    if (!access.caller) return;
    const { owner, tenant, expires } = access.caller;
    const who = tenant ? `${owner} (${tenant})` : owner;
    if (access.expired) return void page.line.replaceChildren(`Access control is on. The session of ${who} has ended.`);
    if (mode === 'forward') return void page.line.replaceChildren(`Access control is on: the gateway signs you in. You are ${who}.`);
    const until = expires ? ` until ${clockTime(expires)}` : '';
    page.line.replaceChildren(`Access control is on: tokens. You are signed in as ${who}${until}. `,
      el('button', { class: 'quiet', type: 'button', click: leave }, 'Sign out'));
  }

  async function leave() {
    try {
      await access.signOut();
      location.assign('./'); // nothing of the owner's stays on the page
    } catch (error) {
      page.warn(error);
    }
  }

  api.onUnauthenticated(() => access.lose());
  access.check();
  return access;
}

/** The provider leads back to the page without the task of the hash, and the filters. */
function keepHash() {
  sessionStorage.setItem(HASH, location.search + location.hash);
}

function restoreHash() {
  const hash = sessionStorage.getItem(HASH);
  sessionStorage.removeItem(HASH);
  if (hash && !location.hash && !location.search) history.replaceState(null, '', hash);
}
