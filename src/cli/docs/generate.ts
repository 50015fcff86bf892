// `npm run docs`: writes docs/cli.md.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { makePage } from './page.ts';

writeFileSync(resolve(import.meta.dirname, '../../../docs/cli.md'), makePage());
