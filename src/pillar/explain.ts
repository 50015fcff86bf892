// Every single value of a pillar with the file and line it comes from, and what it overrides.
import { formatPath } from '../load/explain.ts';
import { isMap } from '../load/map.ts';
import type { Path, Value } from '../value.ts';
import type { Origin, Pillar } from './pillar.ts';

export interface ExplainedValue {
  /** `etcd_extra_args.quota`, as messages write it. */
  path: string;
  /** A single value, a list, or an empty map. A secret stays {@link Sensitive}: it prints as its mask. */
  value: Value;
  /** Where the value comes from. */
  origin: Origin;
  /** What it overrides, the nearest layer first. */
  overridden: Origin[];
}

/** The pillar as a flat list, in the order of its keys. Lists are one value, because they are replaced as one. */
export function explainPillar(pillar: Pillar): ExplainedValue[] {
  return explainBelow(pillar, [], pillar.data);
}

function explainBelow(pillar: Pillar, path: Path, value: Value): ExplainedValue[] {
  if (isMap(value) && (path.length === 0 || Object.keys(value).length > 0)) {
    return Object.entries(value).flatMap(([key, each]) => explainBelow(pillar, [...path, key], each));
  }
  const [origin, ...overridden] = pillar.origins(path);
  if (origin === undefined) throw new Error(`${formatPath(path)} has a value but no origin`);
  return [{ path: formatPath(path), value, origin, overridden }];
}
