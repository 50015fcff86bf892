// Changes as they may be shown, kept and sent: plain JSON, with every secret masked.

import { isSensitive, MASK } from '../sensitive.ts';
import type { Scalar, Value } from '../value.ts';
import type { Change } from './module.ts';

/** JSON data without secrets. */
export type Shown = Scalar | Shown[] | { [key: string]: Shown };

export interface ShownChange {
  path: string;
  before: Shown;
  after: Shown;
}

/** What is secret on one side is masked on both: a value that only becomes a secret now was one all along. */
export function maskChange(change: Change): ShownChange {
  return {
    path: change.path,
    before: maskBeside(change.before, change.after),
    after: maskBeside(change.after, change.before),
  };
}

/** True where nothing but a secret is at stake, so that there is nothing to compare. */
export function isSecret(change: Change): boolean {
  return isSensitive(change.before) || isSensitive(change.after);
}

function maskBeside(value: Value | undefined, other: Value | undefined): Shown {
  if (value === undefined || value === null) return null;
  if (isSensitive(value) || isSensitive(other)) return MASK;
  if (Array.isArray(value)) {
    const list = Array.isArray(other) ? other : [];
    const anySecret = list.some(isSensitive);
    // Positions say little in a list: one that has lost or gained an entry shifts the others onto their neighbours.
    return value.map((item, at) => (anySecret && typeof item !== 'object' ? MASK : maskBeside(item, list[at])));
  }
  if (typeof value === 'object') {
    const map = typeof other === 'object' && other !== null && !Array.isArray(other) ? other : {};
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, maskBeside(item, isSensitive(map) ? undefined : map[key])]),
    );
  }
  return value;
}
