/** The sign-in: at the identity provider, or with a token. Shown alone, or above a page whose session has ended. */

import { el, isOff, setOff, setText, showText } from './element.js';

const CAUSE = 'sign-in'; // parameter of the page's address, see http/sign_in.py

/** @type {Record<string, string>} why a sign-in at the provider has failed */
const CAUSES = {
  denied: 'The identity provider has refused the sign-in.',
  expired: 'The sign-in took too long, or was begun in another window. Sign in again.',
  unreachable: 'The identity provider cannot be reached. Try again in a moment.',
  failed: 'The sign-in has failed. The streamer has logged the reason (sign_in_failed).',
  unusable: 'The streamer does not accept the token of the identity provider. It has logged the reason (sign_in_failed).',
  large: 'The token of the identity provider is too long for a cookie: it must carry fewer claims.',
};

export class SignInView {
  /**
   * @param {import('./access.js').Access} access
   * @param {boolean} provider whether there is an identity provider
   * @param {() => void} onLeave called before the browser goes to the provider
   */
  constructor(access, provider, onLeave) {
    this.access = access;
    this.onLeave = onLeave;
    this.heading = el('h1', { id: 'sign-in-heading', tabindex: '-1' });
    this.about = el('p', { class: 'muted' });
    this.problem = el('p', { class: 'field-error', role: 'alert', hidden: true });
    this.input = el('input', { id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', 'aria-required': 'true', 'aria-describedby': 'token-about' });
    this.button = el('button', { class: provider ? '' : 'primary', type: 'submit' }, 'Sign in with this token');
    this.node = el('section', { class: 'card sign-in', 'aria-labelledby': 'sign-in-heading', hidden: true }, this.heading, this.about, this.problem);
    if (access.mode === 'jwt') this.node.append(...this.#ways(provider));
    else this.node.append(el('button', { class: 'primary', type: 'button', click: () => location.reload() }, 'Load the page again'));
    showText(this.problem, takeCause());
  }

  render() {
    const { access } = this;
    this.node.hidden = access.status !== 'out';
    setText(this.heading, access.expired ? 'Your session has ended' : 'Sign in');
    setText(this.about, access.mode === 'forward'
      ? 'The gateway in front of this page signs you in, and has not.'
      : access.expired ? 'Tasks continue. Sign in again to continue where you are.' : 'This streamer shows tasks to their owners.');
  }

  #ways(provider) {
    const form = el('form', { novalidate: true, submit: (event) => this.#submit(event) },
      el('div', { class: 'field' }, el('label', { for: 'token' }, 'Access token'), this.input,
        el('p', { id: 'token-about', class: 'field-about' }, 'It is kept in a cookie that scripts cannot read, until it expires or you sign out.')),
      el('div', { class: 'form-end' }, this.button));
    if (!provider) return [form];
    return [
      el('p', {}, el('a', { class: 'button primary', href: 'session/login', click: this.onLeave }, 'Sign in at your provider')),
      el('details', {}, el('summary', {}, 'Use a token instead'), form),
    ];
  }

  async #submit(event) {
    event.preventDefault();
    const token = this.input.value.trim();
    if (!token) return void this.#fail('Paste a token.');
    if (isOff(this.button)) return;
    setOff(this.button, true);
    showText(this.problem, '');
    this.input.removeAttribute('aria-invalid');
    try {
      await this.access.signIn(token);
      this.input.value = '';
    } catch (error) {
      if (error.temporary === undefined) throw error;
      this.#fail(error.title === 'Unauthorized' ? 'This token is not valid here: it may have expired, or be of another issuer or for another audience.' : `${error.title}. ${error.detail}`);
    } finally {
      setOff(this.button, false);
    }
  }

  #fail(text) {
    showText(this.problem, text);
    this.input.setAttribute('aria-invalid', 'true');
    this.input.focus();
  }
}

function takeCause() {
  const query = new URLSearchParams(location.search);
  const cause = query.get(CAUSE) ?? '';
  if (cause) history.replaceState(null, '', location.pathname + location.hash);
  return Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : '';
}
