// bench/results.json and bench/RESULTS.md: parts that were not run this time keep what was measured before.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderResults } from './render.ts';
import type { Row } from './row.ts';

/** What one part said, and of what. */
export interface PartResult {
  commit: string;
  /** ISO 8601. */
  measured: string;
  machine: string;
  /** Load average of the minute before: on a quiet machine below 1. */
  load: number;
  about: string;
  rows: Row[];
}

export interface Results {
  schema: 1;
  parts: Record<string, PartResult>;
}

const JSON_FILE = join(import.meta.dirname, 'results.json');
const PAGE = join(import.meta.dirname, 'RESULTS.md');

export function readResults(file = JSON_FILE): Results {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { schema: 1, parts: {} };
}

/** Puts a part's result in place of its former one. `order`: of the parts on the page. */
export function keepResult(name: string, result: PartResult, order: readonly string[]): void {
  const { parts } = readResults();
  const all = { ...parts, [name]: result };
  const results: Results = {
    schema: 1,
    parts: Object.fromEntries(order.flatMap((one) => (all[one] ? [[one, all[one]]] : []))),
  };
  replace(JSON_FILE, `${JSON.stringify(results, undefined, 2)}\n`);
  replace(PAGE, renderResults(results));
}

/** Whole or not at all: a run that is interrupted spoils nothing that was measured. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}
