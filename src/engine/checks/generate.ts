// `npm run docs`: writes src/load/checks.cjs.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { compileChecks } from './compile.ts';

writeFileSync(resolve(import.meta.dirname, '../../load/checks.cjs'), await compileChecks());
