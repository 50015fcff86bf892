// A layer of the pillar: data that knows its places, and what several of them say about one path.
import type { Place } from '../failure.ts';
import type { Document } from '../load/document.ts';
import { isMap } from '../load/map.ts';
import type { Path, Value, ValueMap } from '../value.ts';
import type { Origin } from './pillar.ts';

/** The name of the lowest layer. */
export const SCHEMA_DEFAULT = 'schema default';

export interface Layer {
  /** `schema default`, `defaults`, `cluster main`, `group masters`, `host m1`. */
  name: string;
  data: ValueMap;
  place(path: Path, at?: 'key' | 'value'): Place;
  written?: Document['written'];
}

/** Who sets the value at `path`, the winner first. `layers` are lowest first. Empty if nobody does. */
export function findOrigins(layers: readonly Layer[], path: Path): Origin[] {
  const origins: Origin[] = [];
  for (const layer of layers.toReversed()) {
    const found = lookUp(layer.data, path);
    if (found === 'set') {
      origins.push({
        layer: layer.name,
        // Where is looked for when it is told: most of those who ask only want to know who.
        get place() {
          return layer.place(path);
        },
      });
    }
    // What a higher layer replaced as a whole (by null, a list) is not there, whatever lower layers say.
    if (found === 'replaced' && origins.length === 0) return [];
  }
  return origins;
}

function lookUp(data: ValueMap, path: Path): 'set' | 'absent' | 'replaced' {
  let value: Value = data;
  for (const step of path) {
    const holds = Array.isArray(value)
      ? typeof step === 'number' && step in value
      : isMap(value) && Object.hasOwn(value, step);
    if (!holds) return isMap(value) ? 'absent' : 'replaced';
    value = (value as { [key: string | number]: Value })[step]!;
  }
  return 'set';
}
