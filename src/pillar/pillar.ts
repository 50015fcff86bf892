// The data that parametrises states, of one host: merged, and every value still knowing where it came from.
import type { Place } from '../failure.ts';
import type { Source } from '../inventory/inventory.ts';
import type { Path, ValueMap } from '../value.ts';
import type { Warning } from './warnings.ts';

export interface Pillar {
  host: string;
  data: ValueMap;
  /** Where the value at `path` comes from, the winning layer first, the overridden ones after it. */
  origins(path: Path): Origin[];
}

export interface Origin {
  /** `schema default`, `defaults`, `cluster main`, `group masters`, `host m1`. */
  layer: string;
  place: Place;
}

/** The pillars of all hosts of an inventory. */
export interface PillarSet {
  /** Throws for a host that the inventory does not have. */
  of(host: string): Pillar;
  /** The files it came from (without those that `!sensitive-file` names), with the sha256 of each. */
  sources: Source[];
  warnings: Warning[];
}
