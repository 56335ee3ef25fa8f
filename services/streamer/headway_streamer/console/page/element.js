/** Creation and update of elements. Text becomes text nodes, never markup. */

/**
 * @param {string} name
 * @param {Record<string, any>} attributes functions become event listeners, true an empty attribute, false and null no attribute
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) setAttribute(node, key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function setAttribute(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === 'function') node.addEventListener(key, value);
  else node.setAttribute(key, value === true ? '' : value);
}

/** Sets the text if it has changed, so that a selection is kept. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows the text; hides the element if it is empty. */
export function showText(node, text) {
  node.hidden = !text;
  setText(node, text ?? '');
}

export function setData(node, key, value) {
  if (node.dataset[key] !== value) node.dataset[key] = value;
}

/** Turns a button off without `disabled`, which would lose the focus. */
export function setOff(button, off) {
  button.setAttribute('aria-disabled', String(off));
}

export const isOff = (button) => button.getAttribute('aria-disabled') === 'true';

const SVG = 'http://www.w3.org/2000/svg';

/** Icons by name: strokes on a 16 × 16 grid. A word is always shown beside them. */
const PATHS = {
  queued: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M8 4.75V8l2.25 1.5',
  processing: 'M8 1.75a6.25 6.25 0 1 0 6.25 6.25',
  active: 'M8 1.75a6.25 6.25 0 1 0 6.25 6.25',
  retrying: 'M13.5 6.5A5.75 5.75 0 1 0 13.75 9M13.75 2.75v3.75H10',
  completed: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M5.25 8.25l1.9 1.9l3.6-3.9',
  done: 'M3.5 8.5l3 3l6-6.5',
  error: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M8 4.75v4M8 11v.25',
  cancelled: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M3.75 12.25l8.5-8.5',
  unknown: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5',
  back: 'M9.75 3.25L5 8l4.75 4.75',
  plus: 'M8 3v10M3 8h10',
  copy: 'M5.75 5.75h7.5v7.5h-7.5zM3.5 10.25H2.75v-7.5h7.5v.75',
  download: 'M8 2.5v7.25M4.75 6.75L8 10l3.25-3.25M3 13.25h10',
};

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.append(path);
  setIcon(svg, name);
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}

export function setIcon(svg, name) {
  const shape = Object.hasOwn(PATHS, name) ? name : 'unknown';
  if (svg.dataset.icon === shape) return;
  svg.dataset.icon = shape;
  svg.setAttribute('class', `icon icon-${shape}`);
  svg.firstChild.setAttribute('d', PATHS[shape]);
}
