// Telling a map from everything else that is an object: lists and secrets.
import type { ValueMap } from '../value.ts';

export function isMap(value: unknown): value is ValueMap {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
