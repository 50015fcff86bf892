// `npm run docs`: writes docs/modules/<family>.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadModules } from '../registry.ts';
import { makePages } from './page.ts';

const directory = resolve(import.meta.dirname, '../../../docs/modules');
mkdirSync(directory, { recursive: true });
for (const [file, text] of makePages((await loadModules()).values())) writeFileSync(join(directory, file), text);
