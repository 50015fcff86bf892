// What is wanted of an object against what the API has: it adds defaults, a status and others' fields, which are theirs.
import { isMap } from '../../load/map.ts';
import { parseQuantity } from '../../quantity.ts';
import type { Value } from '../../value.ts';
import type { Change } from '../module.ts';

/** Where the API holds quantities, which it writes in a way of its own: `1024Mi` comes back as `1Gi`. */
const QUANTITIES = /\.(requests|limits|capacity)\.[^.]+$/;

/** One change for each wanted value that is not there, by its path, as `spec.schedule` or `spec.containers[0].image`. */
export function differences(wanted: Value, seen: Value | undefined, path = ''): Change[] {
  if (isMap(wanted) && isMap(seen)) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences(value, seen[key], path === '' ? key : `${path}.${key}`),
    );
  }
  if (Array.isArray(wanted) && Array.isArray(seen) && wanted.length === seen.length) {
    return wanted.flatMap((value, index) => differences(value, seen[index], `${path}[${index}]`));
  }
  // The API leaves out what is empty.
  if (seen === undefined && isEmpty(wanted)) return [];
  if (wanted === seen || (QUANTITIES.test(path) && isSameQuantity(wanted, seen))) return [];
  return [{ path, before: seen ?? null, after: wanted }];
}

function isEmpty(value: Value): boolean {
  return Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}

function isSameQuantity(one: Value, other: Value | undefined): boolean {
  const [a, b] = [one, other].map((each) => (typeof each === 'string' ? parseQuantity(each) : undefined));
  return a !== undefined && a === b;
}
