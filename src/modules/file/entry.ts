// What stands at a path of a host: the one way in which all modules of this family read it.
import { quote } from '../../shell/quote.ts';
import type { Reading } from '../module.ts';
import { CONTENT_FUNCTION, ENTRY_FUNCTIONS } from './entry.sh.ts';

export type Entry =
  | { kind: 'absent' }
  | ({ kind: 'regular'; size: number; sha256: string; content?: Uint8Array } & Ownership)
  | ({ kind: 'directory' } & Ownership)
  | { kind: 'symlink'; target: string }
  | { kind: 'other'; what: string };

export interface Ownership {
  /** Four octal digits. */
  mode: string;
  /** A name, or the number where the host has no name for it. */
  owner: string;
  group: string;
  uid: string;
  gid: string;
}

/**
 * Prints the fingerprint line; of files and directories then a line `uid:gid`; of files, if wanted and not larger than
 * CONTENT_LIMIT, then the content, unless the program has printed it already (see look-up.sh.ts). Follows no
 * symbolic link at the end of the path.
 */
export function readEntry(path: string, { content }: { content: boolean }): string {
  const print = `q_print_entry ${quote(path)}`;
  if (!content) return `${ENTRY_FUNCTIONS}\n${print}`;
  return `${ENTRY_FUNCTIONS}\n${CONTENT_FUNCTION}\n${print} && q_print_content ${quote(path)}`;
}

/** What {@link readEntry} printed, and the bytes after its lines. Throws if it is not what readEntry prints. */
export function parseEntry(reading: Pick<Reading, 'stdout' | 'contents'>): { entry: Entry; rest: Uint8Array } {
  const [line, afterLine] = takeLine(reading.stdout);
  if (line === 'absent') return { entry: { kind: 'absent' }, rest: afterLine };
  const [kind, text] = splitOnce(line, ' ');
  if (kind === 'symlink') return { entry: { kind, target: text }, rest: afterLine };
  if (kind === 'other') return { entry: { kind, what: text }, rest: afterLine };

  const [ids, rest] = takeLine(afterLine);
  const [uid, gid] = splitOnce(ids, ':');
  // Names may contain spaces (directory services do that), but never a colon.
  const match = /^(?<mode>\d{4}) (?<owner>[^:]+):(?<group>.+?)(?: (?<size>\d+) (?<sha256>[0-9a-f]{64}))?$/.exec(text);
  if (!match?.groups) throw new Error(`not an entry: ${line}`);
  const { mode, owner, group, size, sha256 } = match.groups as Record<string, string>;
  const ownership = { mode: mode!, owner: owner!, group: group!, uid, gid };
  if (kind === 'directory') return { entry: { kind, ...ownership }, rest };
  if (kind !== 'regular' || sha256 === undefined) throw new Error(`not an entry: ${line}`);
  const content = rest.length === Number(size) ? rest : reading.contents?.get(sha256);
  return { entry: { kind, ...ownership, size: Number(size), sha256, ...(content ? { content } : {}) }, rest };
}

/** The fingerprint line of {@link readEntry} for `entry`. */
export function fingerprintEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'absent':
      return 'absent';
    case 'symlink':
      return `symlink ${entry.target}`;
    case 'other':
      return `other ${entry.what}`;
    case 'directory':
      return `directory ${entry.mode} ${entry.owner}:${entry.group}`;
    case 'regular':
      return `regular ${entry.mode} ${entry.owner}:${entry.group} ${entry.size} ${entry.sha256}`;
  }
}

/** In a sentence: `a directory`, `a symbolic link to /mnt/x`; undefined if nothing is there. */
export function describeEntry(entry: Entry): string | undefined {
  switch (entry.kind) {
    case 'absent':
      return undefined;
    case 'regular':
      return 'a file';
    case 'directory':
      return 'a directory';
    case 'symlink':
      return `a symbolic link to ${entry.target}`;
    case 'other':
      return entry.what;
  }
}

/** The first line without its newline, and the bytes after it. */
export function takeLine(bytes: Uint8Array): [line: string, rest: Uint8Array] {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return [new TextDecoder().decode(bytes), new Uint8Array()];
  return [new TextDecoder().decode(bytes.subarray(0, end)), bytes.subarray(end + 1)];
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
