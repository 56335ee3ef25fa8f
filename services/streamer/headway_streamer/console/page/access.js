/** Who is signed in, sign-in and sign-out. Does not use the document. */

/**
 * @typedef {object} Caller
 * @property {string} owner @property {string} tenant
 * @property {number|null} expires seconds since 1970
 */

export class Access {
  /** @type {'unknown'|'in'|'out'} */
  status = 'unknown';
  /** @type {Caller|null} the one who is signed in, or was until the session ended */
  caller = null;

  /** Whether the last sign-in was by another owner: what the page holds is not theirs. */
  changed = false;

  /**
   * @param {typeof import('./api.js')} api
   * @param {string} mode of the streamer: jwt or forward
   * @param {() => void} onChange
   */
  constructor(api, mode, onChange) {
    this.api = api;
    this.mode = mode;
    this.onChange = onChange;
  }

  /** Whether somebody was signed in on this page, and no longer is. */
  get expired() { return this.status === 'out' && this.caller !== null; }

  /** Asks the streamer who is signed in. */
  async check() {
    try {
      this.#gain(await this.api.session());
    } catch (error) {
      if (error.status === 401) this.lose();
      else if (error.temporary) this.#set(this.status); // unknown: the page goes ahead
      else throw error;
    }
  }

  /** A request was refused for want of a valid token. */
  lose() {
    if (this.status !== 'out') this.#set('out');
  }

  /** @param {string} token kept nowhere but in a cookie that scripts cannot read */
  async signIn(token) {
    await this.api.signIn(token);
    try {
      this.#gain(await this.api.session());
    } catch (error) {
      if (error.status !== 401) throw error;
      throw new this.api.ApiError(401, 'The browser has not kept the cookie', 'It keeps those of sign-ins on https, or on this machine.');
    }
  }

  async signOut() {
    await this.api.signOut();
    this.caller = null;
    this.lose();
  }

  /** @param {Caller} caller */
  #gain(caller) {
    this.changed = this.caller !== null && (this.caller.owner !== caller.owner || this.caller.tenant !== caller.tenant);
    this.caller = caller;
    this.#set('in');
  }

  #set(status) {
    this.status = status;
    this.onChange();
  }
}
