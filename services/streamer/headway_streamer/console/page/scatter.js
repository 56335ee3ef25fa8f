/** The scatter plot of a result. It is a script of its own, which the page loads when a result has one. */

import { el } from './element.js';
import { number, plural } from './format.js';
import { HEIGHT, readScatter, WIDTH } from './scatter-layout.js';

const SVG = 'http://www.w3.org/2000/svg';
// Each colour has a contrast of 3 to 1 at least with the surface; those of like lightness differ for colour-blind people.
const STYLE = `
.plot { margin: 0 0 1.25rem; display: grid; gap: .625rem; }
.plot > svg { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); }
.plot path { fill-opacity: .8; stroke: var(--surface); stroke-width: .75; }
.plot .faint { opacity: .1; }
.mark-0 { fill: light-dark(#0b62a8, #6db3f2); } .mark-1 { fill: light-dark(#c2410c, #ff9a62); }
.mark-2 { fill: light-dark(#0a7d57, #4fd1a1); } .mark-3 { fill: light-dark(#8e3b91, #e19be3); }
.mark-4 { fill: light-dark(#8a6100, #e8c04c); } .mark-5 { fill: light-dark(#0f7fa8, #66d9ef); }
.mark-6 { fill: light-dark(#b3003c, #ff8095); } .mark-7 { fill: light-dark(#5b6470, #aab4be); }
.plot .key { display: inline-flex; align-items: center; gap: .5rem; white-space: nowrap; }
.plot .key svg { width: 1.125rem; height: 1.125rem; }
.plot .key[aria-pressed="true"] { border-color: var(--accent); }
`;
let styled = false;

/** @param {any} value the field `plot` of a result @returns {HTMLElement|null} null for what cannot be drawn */
export function scatterView(value) {
  const plot = readScatter(value);
  if (!plot) return null;
  addStyle();
  const parts = plot.groups.map((group) => svg('g', { class: `mark-${group.colour}` }, ...group.points.map((point) => mark(group, point))));
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-labelledby': 'plot-title plot-about' },
    svg('title', { id: 'plot-title' }, plot.title), svg('desc', { id: 'plot-about' }, about(plot)), ...parts);
  const left = plot.left > 0 && el('p', { class: 'muted small' }, `${plural(plot.left, 'more point')} in the JSON.`);
  return el('figure', { class: 'plot' }, picture, el('figcaption', { class: 'muted small' }, plot.note), left, legend(plot, parts), texts(plot));
}

function addStyle() {
  if (styled) return;
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  document.adoptedStyleSheets.push(style);
  styled = true;
}

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const titleOf = ({ name, label }) => [name, label].filter(Boolean).join(': ') || 'Points';

const mark = (group, { x, y, text }) =>
  svg('path', { d: group.shape, transform: `translate(${x} ${y})` }, svg('title', {}, [titleOf(group), text].filter(Boolean).join('\n')));

const about = ({ groups, note }) =>
  `${note} ${plural(groups.length, 'group')}: ${groups.map((group) => `${titleOf(group)} (${number(group.size)})`).join('; ')}.`.trim();

/** The groups as a table. A pressed button leaves its group alone in the picture. */
function legend({ groups, title }, parts) {
  const buttons = groups.map((group, at) => el('button', { type: 'button', class: 'quiet key', 'aria-pressed': 'false', 'aria-label': `Show ${titleOf(group)} alone`, click: () => press(at) },
    svg('svg', { viewBox: '-6 -6 12 12', class: `mark-${group.colour}`, 'aria-hidden': 'true' }, svg('path', { d: group.shape })), group.name));
  function press(at) {
    const alone = buttons[at].getAttribute('aria-pressed') === 'false';
    buttons.forEach((button, other) => button.setAttribute('aria-pressed', String(alone && other === at)));
    parts.forEach((part, other) => part.classList.toggle('faint', alone && other !== at));
  }
  const rows = groups.map((group, at) => el('tr', {}, el('td', {}, buttons[at]), el('td', {}, group.label), el('td', { class: 'numeric' }, number(group.size))));
  return table(`Groups of ${title}`, ['Group', 'About', 'Size'], rows);
}

/** What the points stand for, for those who cannot point at them. */
function texts({ groups }) {
  const box = el('div');
  return el('details', { toggle: () => box.firstChild || box.append(table('Points', ['Group', 'Text'], rows())) },
    el('summary', {}, 'The points as a table'), box);
  function rows() {
    return groups.flatMap((group) => group.points.map(({ text }) => el('tr', {}, el('td', {}, group.name), el('td', {}, text))));
  }
}

function table(name, columns, rows) {
  const head = columns.map((column) => el('th', { scope: 'col', class: column === 'Size' ? 'numeric' : null }, column));
  return el('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': name }, el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows)));
}
