import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { makePages } from '../../../src/modules/docs/page.ts';
import { loadModules } from '../../../src/modules/registry.ts';

it('the pages of parameters are those of the schemas: npm run docs makes them anew', async () => {
  const directory = resolve(import.meta.dirname, '../../../docs/modules');
  const pages = new Map(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
  expect(Object.fromEntries(pages)).toEqual(Object.fromEntries(makePages((await loadModules()).values())));
});
