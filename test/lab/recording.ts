// What each interrupted restore came to: told to whoever watches, and kept for docs/reliability.md where that is to be written.
import { appendFileSync } from 'node:fs';
import type { Cluster } from './cluster.ts';
import { SEED } from './extent.ts';
import { tell } from './killing.ts';
import type { Outcome, Way } from './restoring.ts';

/** One restore that was interrupted. */
export interface Row {
  what: string;
  way: Way;
  etcd: string;
  runtime: string;
  seed: number;
  /** In which step. */
  at: string;
  /** What else was left to chance. */
  how: string;
  outcome: Outcome;
  /** How many such moments there are, of which this is one; absent: a sample. */
  of?: number;
}

export function record({ version, runtime }: Cluster, row: Omit<Row, 'etcd' | 'runtime' | 'seed'>): void {
  const whole: Row = { ...row, etcd: version, runtime, seed: SEED };
  tell(`a restore, seed ${SEED}: ${row.what}, ${row.at} (${row.how}), then ${row.way}: ${row.outcome}`);
  const file = process.env.QUORATE_TEST_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(whole)}\n`);
}
