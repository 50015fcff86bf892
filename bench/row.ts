// What a part of the measurements says, line by line.
import type { Compared } from './pairs.ts';

/** A ratio that was measured, or a number that was counted. */
export type Row = RatioRow | CountRow;

interface RowBase {
  /** What was done: `no-op apply of kubernetes.etcd.configured, 3 hosts`. */
  what: string;
  target?: Target;
}

/** A ratio alone is judged; times are shown. */
export interface RatioRow extends RowBase, Compared {
  kind: 'ratio';
  /** Seconds of processor that the hosts have used for one run of A. */
  hostCpuSeconds?: number;
}

/** The same on every machine, however busy. */
export interface CountRow extends RowBase {
  kind: 'count';
  value: number;
  unit: string;
}

export interface Target {
  limit: number;
  /** `most`: met at the limit and below. */
  is: 'most' | 'least';
}

/** Undefined where there is no target. */
export function isMet(row: Row): boolean | undefined {
  if (row.target === undefined) return undefined;
  const value = row.kind === 'ratio' ? row.ratio.median : row.value;
  return row.target.is === 'most' ? value <= row.target.limit : value >= row.target.limit;
}
