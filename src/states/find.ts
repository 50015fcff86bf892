// Which states there are: `kubernetes.etcd.configured` is kubernetes/etcd/configured.yaml in one of the directories.
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type Attempt, fail, type Place, succeed } from '../failure.ts';
import { shorten } from '../load/document.ts';
import { suggest } from '../load/nearest.ts';

export interface StateFile {
  name: string;
  /** The path as it can be opened. */
  file: string;
  /** The directory of states that it is in. */
  root: string;
}

/** All state files by name, those of the first directory first: it wins. */
export type StateIndex = ReadonlyMap<string, StateFile[]>;

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
/** Folders that hold what states use, or what uses states, but no states. */
const NO_STATES = new Set(['templates', 'files', 'procedures']);

/** What every state that Quorate ships is in, and nobody needs to type. */
const FAMILY = 'kubernetes.';

/** `etcd.configured` is `kubernetes.etcd.configured`, unless there is a state of just that name. Unknown names stay. */
export function fullName(index: StateIndex, name: string): string {
  return !index.has(name) && index.has(FAMILY + name) ? FAMILY + name : name;
}

/** The shorter name that means this state too, if there is one. */
export function shortName(index: StateIndex, name: string): string | undefined {
  const short = name.startsWith(FAMILY) ? name.slice(FAMILY.length) : undefined;
  return short !== undefined && !index.has(short) ? short : undefined;
}

/** Directories that do not exist hold no states. Within one of them a state may have only one file. */
export async function indexStates(directories: readonly string[]): Promise<StateIndex> {
  const index = new Map<string, StateFile[]>();
  for (const root of directories) {
    for (const file of await listYamlFiles(root)) {
      const name = nameState(root, file);
      if (name === undefined) continue;
      index.set(name, [...(index.get(name) ?? []), { name, file, root }]);
    }
  }
  return index;
}

/** The file of a state by its full name. `place`: where it is asked for, if a file does. */
export function findState(
  index: StateIndex,
  name: string,
  directories: readonly string[],
  place?: Place,
): Attempt<StateFile> {
  const [first, second] = index.get(name) ?? [];
  if (first === undefined) {
    const searched = directories.map(shorten).join(', ') || 'no directory';
    return fail({
      reason: 'unknown',
      message: `unknown state ${name} (searched: ${searched})`,
      ...(place && { place }),
      next: suggest(name, listNames(index)),
    });
  }
  if (second?.root !== first.root) return succeed(first);
  return fail({
    reason: 'duplicate',
    message: `the state ${name} has two files: ${shorten(first.file)} and ${shorten(second.file)}`,
    place: { file: shorten(first.file), line: 1, column: 1 },
    next: 'keep one of the two',
  });
}

/** Full names first: they win where a short one is as near. */
function listNames(index: StateIndex): string[] {
  const names = [...index.keys()];
  return [...names, ...names.flatMap((name) => shortName(index, name) ?? [])];
}

async function listYamlFiles(directory: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return NO_STATES.has(entry.name) ? [] : listYamlFiles(path);
      return entry.name.endsWith('.yaml') ? [path] : [];
    }),
  );
  return found.flat();
}

/** Undefined for a file that cannot be named, for example because of a space. */
function nameState(root: string, file: string): string | undefined {
  const segments = relative(root, file).slice(0, -'.yaml'.length).split(sep);
  // Like Salt: a folder's own state is its init.yaml.
  if (segments.length > 1 && segments.at(-1) === 'init') segments.pop();
  return segments.every((segment) => SEGMENT.test(segment)) ? segments.join('.') : undefined;
}
