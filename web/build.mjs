// Bundles the streamer's page into page/built, which is committed: neither users nor the images need Node.
// `make page` runs it; a test compares the hash of the sources that it writes down, so a stale bundle fails.
//   node web/build.mjs [FOLDER]   write the bundle, to FOLDER instead of page/built
//   node web/build.mjs --check    write nothing, and fail when page/built is not what the sources give
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { PAGE } from './page.mjs';

const page = fileURLToPath(PAGE);
const built = join(page, 'built');
const check = process.argv[2] === '--check';
const out = check ? built : process.argv[2] ?? built;

const sources = readdirSync(page).filter((name) => /\.(js|css)$/.test(name)).sort();
const hash = createHash('sha256');
for (const name of sources) hash.update(name).update(readFileSync(page + name));
const banner = `/* Built by "make page" from sources ${hash.digest('hex')} */`;

const { outputFiles = [] } = await build({
  entryPoints: {
    page: `${page}main.js`, 'sign-in': `${page}sign-in.js`, form: `${page}form.js`, filter: `${page}filter.js`,
    processors: `${page}processors.js`, letters: `${page}letters.js`,
    scatter: `${page}scatter.js`, asides: `${page}asides-view.js`, tree: `${page}tree.js`,
    upload: `${page}upload.js`, retry: `${page}retry.js`,
    style: `${page}page.css`,
  },
  outdir: out, bundle: true, minify: true, format: 'esm', charset: 'utf8', legalComments: 'none',
  target: ['chrome123', 'firefox120', 'safari17.5'], // light-dark(), which the styles use
  banner: { js: banner, css: banner },
  write: !check,
});

const committed = (path) => { try { return readFileSync(path); } catch { return Buffer.alloc(0); } };
const stale = outputFiles.filter(({ path, contents }) => !committed(path).equals(contents));
for (const { path } of stale) console.error(`built/${basename(path)} is not made from these sources: run "make page" and commit it`);
process.exitCode = stale.length ? 1 : 0;
