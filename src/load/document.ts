// A YAML or JSON file whose every value knows where it stands.
import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { parseEvents, YAMLException } from 'js-yaml';
import { type Attempt, fail, type Place, succeed } from '../failure.ts';
import type { Path, Value } from '../value.ts';
import { composeEvents, type PlacedNode } from './compose.ts';
import { explainReadError } from './readable.ts';
import { explainSyntax } from './syntax.ts';

export interface Document {
  /** As the operator named it, relative to the working directory where that is shorter. */
  file: string;
  text: string;
  data: Value;
  /** Where the value (or its key) at `path` stands; of the nearest ancestor that has a place if `path` has none. */
  place(path: Path, at?: 'key' | 'value'): Place;
  /** How an unquoted scalar is written in the file (`0644`, `3.10`), before YAML made something else of it. */
  written(path: Path): string | undefined;
}

/**
 * Parses one YAML 1.2 (or JSON) document. An empty one is `{}`. Fails with `syntax`, `duplicate`, `unknown` (a tag) or
 * `unreadable` (a `!sensitive-file`), each with its place; never prints a secret.
 * Only JSON's types come out, plus {@link Sensitive}; keys are strings and never `__proto__`.
 */
export function parseDocument(file: string, text: string): Attempt<Document> {
  const name = shorten(file);
  const locate = createLocator(name, text);
  try {
    const composed = composeEvents({ file, text, events: parseEvents(text, {}), locate });
    if (!composed.ok) return composed;
    const { data, root } = composed.value;
    return succeed({
      file: name,
      text,
      data,
      place: (path, at = 'value') => locate(findOffset(root, path, at)),
      written: (path) => findNode(root, path)?.written,
    });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return fail(explainSyntax(error, text, locate));
  }
}

/** Reads and parses a file; `unreadable` if it cannot be read or is not UTF-8. */
export async function readDocument(file: string): Promise<Attempt<Document>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return fail(explainReadError(shorten(file), error));
  }
  return decodeDocument(file, bytes);
}

/** {@link parseDocument} for bytes that were read already, by somebody who needs their digest too. */
export function decodeDocument(file: string, bytes: Uint8Array): Attempt<Document> {
  try {
    // The byte order mark is kept: offsets must be those of the text, and js-yaml skips it.
    return parseDocument(file, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return fail({
      reason: 'unreadable',
      message: `${shorten(file)} is not UTF-8 text`,
      place: { file: shorten(file), line: 1, column: 1 },
      next: 'save it as UTF-8',
    });
  }
}

/** `file` relative to the working directory, where that is shorter. */
export function shorten(file: string): string {
  if (!isAbsolute(file)) return file;
  const short = relative('', file);
  return short !== '' && short.length < file.length ? short : file;
}

/** From an offset in the text to the line and column a person would count, both from 1. */
function createLocator(file: string, text: string): (offset: number) => Place {
  const starts = [text.startsWith('\uFEFF') ? 1 : 0];
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  return (offset) => {
    let line = 0;
    for (let high = starts.length - 1; line < high; ) {
      const middle = Math.ceil((line + high) / 2);
      if (starts[middle]! <= offset) line = middle;
      else high = middle - 1;
    }
    return { file, line: line + 1, column: Math.max(offset - starts[line]!, 0) + 1 };
  };
}

function findNode(root: PlacedNode, path: Path): PlacedNode | undefined {
  let node: PlacedNode | undefined = root;
  for (const step of path) node = node?.children.get(step);
  return node;
}

function findOffset(root: PlacedNode, path: Path, at: 'key' | 'value'): number {
  let node = root;
  for (const step of path) {
    const child = node.children.get(step);
    if (child === undefined) return node.value;
    node = child;
  }
  return at === 'key' ? (node.key ?? node.value) : node.value;
}
