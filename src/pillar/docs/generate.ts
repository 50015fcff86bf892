// `npm run docs`: writes the table of pillar keys into docs/etcd.md, between its two marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import schema from '../../../schemas/pillar.schema.json' with { type: 'json' };
import { makePillarTable } from './table.ts';

const page = resolve(import.meta.dirname, '../../../docs/etcd.md');
const table = `${makePillarTable(schema as never)}\n`;
const between = /(?<=<!-- pillar keys.*-->\n)[\s\S]*?(?=<!-- \/pillar keys -->)/;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(between, () => table),
);
