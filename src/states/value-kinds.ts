// What a template takes a value for.
import type { Value } from '../value.ts';

/** Handlebars' own rule: false, null, 0, "" and an empty list are not true. */
export function isTrue(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** `a number`, `a list`, … */
export function nameType(value: Value): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a string', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? 'a map';
}
