// Bundles the streamer's page into page/built, which is committed: neither users nor the images need Node.
// `make page` runs it; a test compares the hash of the sources that it writes down, so a stale bundle fails.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const page = fileURLToPath(new URL('../services/streamer/headway_streamer/console/page/', import.meta.url));
const out = process.argv[2] ?? `${page}built`;

const sources = readdirSync(page).filter((name) => /\.(js|css)$/.test(name)).sort();
const hash = createHash('sha256');
for (const name of sources) hash.update(name).update(readFileSync(page + name));
const banner = `/* Built by "make page" from sources ${hash.digest('hex')} */`;

await build({
  entryPoints: { page: `${page}main.js`, style: `${page}page.css` },
  outdir: out, bundle: true, minify: true, format: 'esm', charset: 'utf8', legalComments: 'none',
  target: ['chrome123', 'firefox120', 'safari17.5'], // light-dark(), which the styles use
  banner: { js: banner, css: banner },
});
