/** What the list shows: the filters and the place in the list, in the query of the page's address. Pure. */

/** The filters have the names that the API gives them. `within`, seconds before now, is of the page alone. */
const FILTERS = ['parent', 'text', 'status', 'kind', 'tag', 'owner', 'since', 'before', 'within'];
const CURSOR = 'cursor';

/**
 * The filters of an address; names that are not known, and empty ones, are left out.
 * @param {string} search @returns {URLSearchParams}
 */
export function filtersOf(search) {
  return new URLSearchParams([...new URLSearchParams(search)].filter(([name, value]) => value && FILTERS.includes(name)));
}

/** The place in the list; '' for its beginning. */
export const cursorOf = (search) => new URLSearchParams(search).get(CURSOR) ?? '';

/**
 * What the API is asked for.
 * @param {string} search @param {number} limit @param {number} now seconds since 1970
 */
export function listQuery(search, limit, now) {
  const query = filtersOf(search);
  const within = Number(query.get('within'));
  query.delete('within');
  if (within > 0) query.set('since', String(Math.floor(now - within)));
  return withCursor(`?${query}`, cursorOf(search), [['limit', String(limit)]]);
}

/** The address of another place in the list, with the same filters. @param {[string, string][]} more */
export function withCursor(search, cursor, more = []) {
  const query = filtersOf(search);
  for (const [name, value] of more) query.set(name, value);
  if (cursor) query.set(CURSOR, cursor);
  return `?${query}`;
}
