// Unified diffs of text, without file headers: the resource names the file.
import { createRequire } from 'node:module';

const CONTEXT_LINES = 3;
/** Beyond so many edits a diff costs more than it tells; then all of the old is shown as gone and all of the new as added. */
const MOST_EDITS = 1000;
const NO_NEWLINE = '\\ No newline at end of file';

/** The lines of a unified diff, each with its mark (`@@`, ` `, `-`, `+`, `\`); none if the texts are equal. */
export function diffLines(before: string, after: string): string[] {
  if (before === after) return [];
  if (before === '' || after === '') return replaceAll(before, after);
  // Loaded when the first diff is wanted, and without await, so that rendering stays a plain function.
  const { structuredPatch } = createRequire(import.meta.url)('diff') as typeof import('diff');
  const patch = structuredPatch('', '', before, after, '', '', { context: CONTEXT_LINES, maxEditLength: MOST_EDITS });
  if (!patch) return replaceAll(before, after);
  return patch.hunks.flatMap((hunk) => [
    hunkHeader([hunk.oldStart, hunk.oldLines], [hunk.newStart, hunk.newLines]),
    ...hunk.lines,
  ]);
}

function replaceAll(before: string, after: string): string[] {
  const old = marked('-', before);
  const fresh = marked('+', after);
  const count = (lines: string[]) => lines.filter((line) => line !== NO_NEWLINE).length;
  const range = (lines: string[]): [number, number] => [lines.length === 0 ? 0 : 1, count(lines)];
  return [hunkHeader(range(old), range(fresh)), ...old, ...fresh];
}

function marked(mark: string, text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  const complete = lines.at(-1) === '';
  if (complete) lines.pop();
  return [...lines.map((line) => mark + line), ...(complete ? [] : [NO_NEWLINE])];
}

function hunkHeader(before: [start: number, lines: number], after: [start: number, lines: number]): string {
  return `@@ -${before.join(',')} +${after.join(',')} @@`;
}
