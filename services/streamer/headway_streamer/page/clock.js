/** The server's time, so that ages and countdowns are right on a machine whose clock is not. */

const TOLERANCE_SECONDS = 3; // the Date header has whole seconds, and the answer was under way

let offset = 0;

/** Seconds since 1970 by the server's clock. */
export const now = () => Date.now() / 1000 + offset;

/** @param {string|null} header value of a `Date` header */
export function noteServerDate(header) {
  const server = Date.parse(header ?? '') / 1000;
  if (!Number.isFinite(server)) return;
  const difference = server - Date.now() / 1000;
  offset = Math.abs(difference) > TOLERANCE_SECONDS ? difference : 0;
}
