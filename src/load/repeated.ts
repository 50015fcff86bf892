// One fault of the input, found on the way to many hosts, is told once.
import { type Failure, formatPlace } from '../failure.ts';

/** Keeps the first of all failures that have the same place and message. */
export function dropRepeated(failures: Failure[]): Failure[] {
  const told = new Set<string>();
  return failures.filter(({ message, place }) => {
    const key = `${place === undefined ? '' : formatPlace(place)} ${message}`;
    return !told.has(key) && told.add(key);
  });
}
