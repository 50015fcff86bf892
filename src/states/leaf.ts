// Where a part of a YAML string stands in its file.
import type { Place } from '../failure.ts';
import type { Document } from '../load/document.ts';
import type { Path } from '../value.ts';
import type { Locate } from './parse.ts';

/**
 * From a position in the string at `path` to its place. Exact where the string is written in the file as it is (unquoted, in quotes
 * without escapes, as a literal block); else the place where the string begins.
 */
export function locateInLeaf(document: Document, path: Path, text: string): Locate {
  const start = document.place(path);
  const written = document.text.split(/\r\n|\n|\r/);
  const lines = text.split('\n');
  return ({ line, column }) => {
    const leaf = lines[line - 1] ?? '';
    const source = written[start.line - 1 + line - 1] ?? '';
    // On the first line the string begins at its place or after its quote, on others after some indentation.
    const from =
      line === 1 ? start.column - 1 + (/["']/.test(source[start.column - 1] ?? '') ? 1 : 0) : source.search(/\S/);
    const indent = line === 1 ? 0 : leaf.search(/\S/);
    const known = leaf.slice(Math.max(indent, 0), Math.max(column, indent) + 1);
    const exact = from >= 0 && indent >= 0 && known !== '' && source.startsWith(known, from);
    return exact ? shiftPlace(start, line - 1, from + column - indent + 1) : start;
  };
}

function shiftPlace({ file, line }: Place, lines: number, column: number): Place {
  return { file, line: line + lines, column };
}
