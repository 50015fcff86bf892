// `npm run docs`: writes docs/cli.md and docs/help.txt.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { makeHelp, makePage } from './page.ts';

const directory = resolve(import.meta.dirname, '../../../docs');
writeFileSync(resolve(directory, 'cli.md'), await makePage());
writeFileSync(resolve(directory, 'help.txt'), await makeHelp());
