// The nearest right spelling of a name that nobody knows.
import { distance } from 'fastest-levenshtein';

/** The known name that was probably meant: at most a third of its letters differ. */
export function findNearest(name: string, known: Iterable<string>): string | undefined {
  let nearest: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = countEdits(name.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(candidate.length, name.length) / 3));
    if (edits <= limit && (nearest === undefined || edits < nearest.edits)) nearest = { name: candidate, edits };
  }
  return nearest?.name;
}

/** Swapped letters are one slip of the fingers, though they are two edits. */
function countEdits(name: string, candidate: string): number {
  const edits = distance(name, candidate);
  return edits === 2 && [...name].sort().join('') === [...candidate].sort().join('') ? 1 : edits;
}

/** What to do about an unknown name: the nearest spelling, else the (first) names that are known. */
export function suggest(name: string, known: Iterable<string>): string {
  const names = [...known];
  const nearest = findNearest(name, names);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  if (names.length === 0) return 'none is known here';
  const shown = names.slice(0, 12).join(', ');
  return `known are: ${shown}${names.length > 12 ? ', …' : ''}`;
}
