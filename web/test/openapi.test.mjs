import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const document = fileURLToPath(new URL('../../docs/reference/openapi.json', import.meta.url));
const use = fileURLToPath(new URL('types/use.ts', import.meta.url));
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headway-types-'));
  const types = await openapiTS(JSON.parse(await readFile(document, 'utf8')));
  await writeFile(join(folder, 'headway.d.ts'), astToString(types));
  await cp(use, join(folder, 'use.ts'));
});
after(() => rm(folder, { recursive: true }));

describe('the types of the OpenAPI document', () => {
  test('fit the uses that clients have, and no others', () => {
    const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] };
    const program = ts.createProgram([join(folder, 'use.ts')], options);
    const faults = ts.getPreEmitDiagnostics(program);
    assert.equal(ts.formatDiagnostics(faults, { getCurrentDirectory: () => folder, getCanonicalFileName: (name) => name, getNewLine: () => '\n' }), '');
  });
});
