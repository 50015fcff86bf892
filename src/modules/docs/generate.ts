// `npm run docs`: writes docs/modules/<family>.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { modules } from '../registry.ts';
import { makePages } from './page.ts';

const directory = resolve(import.meta.dirname, '../../../docs/modules');
mkdirSync(directory, { recursive: true });
for (const [file, text] of makePages(modules.values())) writeFileSync(join(directory, file), text);
