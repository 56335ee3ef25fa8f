// The page's pure modules, wherever the page is: `const { percent } = await load('format.js')`.
import { PAGE } from '../page.mjs';

export const load = (name) => import(new URL(name, PAGE));
