// What a rehearsal showed: a snapshot restored into a throw-away member, held against what the file itself says.
import type { SnapshotContent } from './content.ts';
import { CANARY_KEY, type Receipt } from './receipt.ts';

/** schemas/snapshot-rehearsal.schema.json says what each field means. */
export interface Rehearsal {
  schema: 1;
  snapshot: { name: string; size: number; sha256: string; revision: number };
  /** As the snapshot's receipt has it. */
  cluster: { name: string; id: string } | null;
  time: string;
  host: string;
  etcdVersion: string;
  /** `etcdutl 3.5.30`. */
  tool: string;
  keys: number;
  prefixes: { [prefix: string]: number };
  /** It was there, with the value that the file has. */
  canary: boolean;
  hash: { revision: number; compacted: number; hash: string; compared: boolean };
  seconds: { [phase: string]: number };
}

/** Each is a question of its own to the member. */
const MOST_PREFIXES = 300;

/** The prefixes that are counted one by one, those with the most keys; the others are counted together, as the rest. */
export function countedPrefixes({ prefixes }: Pick<SnapshotContent, 'prefixes'>): string[] {
  return Object.entries(prefixes)
    .filter(([prefix]) => prefix.startsWith('/') && !prefix.includes('\ufffd') && !prefix.includes('\0'))
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_PREFIXES)
    .map(([prefix]) => prefix)
    .sort();
}

/**
 * Of the keys below each prefix those that are its own: `below` counts `/registry/services/specs` among what is below
 * `/registry/services` too.
 */
export function ownCounts(below: ReadonlyMap<string, number>): Map<string, number> {
  const own = new Map<string, number>();
  // The longest first, so that what lies within a prefix is known before it.
  for (const prefix of [...below.keys()].sort((a, b) => b.length - a.length)) {
    const within = [...own]
      .filter(([other]) => other.startsWith(`${prefix}/`))
      .reduce((sum, [, keys]) => sum + keys, 0);
    own.set(prefix, below.get(prefix)! - within);
  }
  return own;
}

export interface Restored {
  revision: number;
  keys: number;
  /** See {@link ownCounts}. */
  prefixes: ReadonlyMap<string, number>;
  canary?: string;
  hash: { revision: number; compacted: number; hash: string };
}

/** The members' hash can be compared only where the same was forgotten. */
export function isComparable({ hash }: Restored, compared: Receipt['compared'] | undefined): boolean {
  return compared?.compacted === hash.compacted && compared.revision === hash.revision;
}

/** How what the member serves differs from the file, each as half a sentence; none: it is all there. */
export function compareRestored(content: SnapshotContent, restored: Restored, receipt: Receipt | undefined): string[] {
  const pairs: [what: string, said: unknown, found: unknown][] = [
    // With each lease that ends there is a revision more.
    [
      'revision',
      content.revision,
      content.leases > 0 ? Math.min(content.revision, restored.revision) : restored.revision,
    ],
    ['keys', content.keys, restored.keys],
    ['canary', content.values.get(CANARY_KEY)?.value.toString(), restored.canary],
    ...[...restored.prefixes].map(([prefix, keys]): [string, unknown, unknown] => [
      `keys of ${prefix}`,
      content.prefixes[prefix],
      keys,
    ]),
    ...(isComparable(restored, receipt?.compared)
      ? [['hash of the data', receipt?.compared?.hash, restored.hash.hash] as [string, unknown, unknown]]
      : []),
  ];
  return pairs
    .filter(([, said, found]) => said !== found)
    .map(([what, said, found]) => `${what}: ${said ?? 'nothing'} in the file, ${found ?? 'nothing'} in the member`);
}

/** Beside the snapshot, one for each time. */
export function rehearsalName(snapshot: string, time: Date): string {
  return `${rehearsalPrefix(snapshot)}${time.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.json`;
}

/** What the rehearsals of a snapshot are called begins so. */
export function rehearsalPrefix(snapshot: string): string {
  return `${snapshot.replace(/\.db$/, '')}.rehearsal-`;
}
