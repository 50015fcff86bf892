// The one deep merge of the pillar: maps merge, lists replace, null is a value.
import { isMap } from '../load/map.ts';
import type { Value, ValueMap } from '../value.ts';

/**
 * Merges layers, lowest first. Where both have a map the maps merge; in any other case the higher value stands, `null`
 * included, so that a layer can take away what a lower one set. Neither layer is changed.
 */
export function mergeLayers(layers: readonly ValueMap[]): ValueMap {
  return layers.reduce<ValueMap>(mergeMaps, {});
}

function mergeMaps(lower: ValueMap, higher: ValueMap): ValueMap {
  const merged: ValueMap = {};
  for (const key of new Set([...Object.keys(lower), ...Object.keys(higher)])) {
    setOwn(merged, key, mergeValues(ownValue(lower, key), ownValue(higher, key)));
  }
  return merged;
}

function mergeValues(lower: Value | undefined, higher: Value | undefined): Value {
  if (higher === undefined) return copyValue(lower!);
  if (isMap(lower) && isMap(higher)) return mergeMaps(lower, higher);
  return copyValue(higher);
}

/** A copy, so that nobody who changes a merged pillar changes a layer that other hosts share. */
function copyValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(copyValue);
  return isMap(value) ? mergeMaps({}, value) : value;
}

function ownValue(map: ValueMap, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Plain assignment to `__proto__` would change the map's prototype instead. */
function setOwn(map: ValueMap, key: string, value: Value): void {
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}
