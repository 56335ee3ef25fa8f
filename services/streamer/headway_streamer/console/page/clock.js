/** The server's time: ages and countdowns are correct even if this machine's clock is not. */

// The Date header has whole seconds, and servers renew it about once a second.
const STALE_SECONDS = 2.5;

let low = -Infinity;
let high = Infinity;
let offset = 0;

/** Seconds since 1970 by the server's clock. */
export const now = () => Date.now() / 1000 + offset;

/**
 * Bounds the offset between this machine's clock and the server's. Each response narrows the bounds.
 * @param {string|null} header value of a `Date` header
 * @param {number} sentAt by this machine's clock, in seconds @param {number} receivedAt
 */
export function noteServerDate(header, sentAt, receivedAt = Date.now() / 1000) {
  const server = Date.parse(header ?? '') / 1000;
  if (!Number.isFinite(server)) return;
  const [least, most] = [server - receivedAt, server + STALE_SECONDS - sentAt];
  [low, high] = least > high || most < low ? [least, most] : [Math.max(low, least), Math.min(high, most)]; // otherwise a clock was changed
  offset = Math.min(Math.max(0, low), high);
}
