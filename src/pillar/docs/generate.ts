// `npm run docs`: writes the tables of pillar keys into docs/pillar.md, between its two marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import schema from '../../../schemas/pillar.schema.json' with { type: 'json' };
import { makePillarTables } from './table.ts';

const page = resolve(import.meta.dirname, '../../../docs/pillar.md');
const tables = `\n${makePillarTables(schema as never)}\n\n`;
const between = /(?<=<!-- pillar keys.*-->\n)[\s\S]*?(?=<!-- \/pillar keys -->)/;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(between, () => tables),
);
