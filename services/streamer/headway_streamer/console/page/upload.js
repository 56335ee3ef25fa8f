/** The upload of a file for a parameter of the form. It is a script of its own, which the page loads for the first file. */

import { el, setText } from './element.js';
import { bytes } from './format.js';

/** Ids of files that were uploaded, by what was chosen: a form that is sent again uploads nothing twice. */
const known = new WeakMap();

/** The file is to be uploaded again: the streamer does not take its id any more. @param {File} file */
export const forget = (file) => known.delete(file);

/**
 * Uploads a file, with its progress in `row`. Returns its id.
 * @param {typeof import('./api.js')} api @param {HTMLElement} row @param {File} file
 */
export async function upload(api, row, file) {
  const done = known.get(file);
  if (done) return done;
  const bar = el('progress', { max: String(file.size || 1), value: '0', 'aria-label': `Upload of ${file.name}` });
  const text = el('span', { role: 'status', class: 'small muted' }, `Uploading ${bytes(file.size)} …`);
  const shown = el('p', { class: 'uploading' }, bar, text);
  row.append(shown);
  try {
    const id = await send(api, file, (sent) => { bar.value = sent; });
    known.set(file, id);
    return id;
  } finally {
    setText(text, '');
    shown.remove();
  }
}

function send(api, file, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    const fail = () => reject(new api.ApiError(0, 'No response', ''));
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded));
    request.addEventListener('load', () => {
      const body = read(request.responseText);
      if (request.status === 201 && body?.file) resolve(body.file);
      else reject(new api.ApiError(request.status, body?.title || `Status ${request.status}`, body?.detail ?? ''));
    });
    for (const event of ['error', 'abort', 'timeout']) request.addEventListener(event, fail);
    request.open('POST', api.url('api/v1/files'));
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.setRequestHeader('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`);
    request.send(file);
  });
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
