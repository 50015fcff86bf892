// etcd.taken_back: a restore is undone on the host. What was restored is kept, and what was there before is in its place.
import { formatLedger, type Ledger } from '../../etcd/ledger.ts';
import type { Value } from '../../value.ts';
import type { Change, Module } from '../module.ts';
import { readAside, writeBack } from './aside.sh.ts';
import {
  ASIDE_EXAMPLE,
  type AsideId,
  type AsideSighting,
  asideOf,
  asideProperties,
  fingerprintAside,
  parseAside,
  refuseRunning,
} from './aside.ts';
import { removeLedger, writeLedger } from './ledger.sh.ts';

type Want = AsideId & { sha256: string | null; generation: number };

export const etcdTakenBack: Module<AsideId, Want, AsideSighting> = {
  name: 'etcd.taken_back',
  schema: {
    type: 'object',
    description:
      'A restore is taken back: what was restored is renamed to DIRECTORY.restored-RUN, what etcd.set_aside has kept is in its place again, and the ledger of before is in force; it remembers the restored cluster as one that was given up. Where nothing was set aside (a disk that was empty) only what was restored goes aside. Nothing is removed. Refused while etcd or an API server runs, or something listens on the ports.',
    properties: {
      ...asideProperties,
      sha256: {
        type: ['string', 'null'],
        pattern: '^[0-9a-f]{64}$',
        description:
          'The snapshot that was restored: with the generation it tells what is of this restore from what is of one before it. null: nothing is',
        default: null,
        examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
      },
      generation: {
        type: 'integer',
        minimum: 1,
        description: 'Of that restore: see etcd.restored',
        default: 1,
        examples: [2],
      },
    },
    required: ['cluster', 'data_dir', 'run'],
    additionalProperties: false,
    examples: [ASIDE_EXAMPLE],
  },
  claims: ({ data_dir: directory }) => `file:${directory}`,
  read: (id) => readAside(asideOf(id)),
  parse: parseAside,
  diff(want, seen) {
    const { data_dir: directory, run } = want;
    if (seen.kept === 'damaged' || seen.ledger === 'damaged') {
      return {
        refused: `a ledger of cluster ${want.cluster} cannot be read here, so nobody can tell what would be taken back`,
        next: `look at /var/lib/quorate/${want.cluster}.json and /var/lib/quorate/restores/${run}/${want.cluster}.json; a copy of another member's mends it`,
      };
    }
    const changes: Change[] = [
      ...(isRestoredThere(want, seen)
        ? [{ path: 'path', before: directory, after: `${directory}.restored-${run}` }]
        : []),
      ...(seen.pre ? [{ path: 'path', before: `${directory}.pre-${run}`, after: directory }] : []),
      ...(isOfRestore(want, seen)
        ? [
            {
              path: 'ledger',
              before: seen.ledger as unknown as Value,
              after: (formerLedger(seen) ?? null) as unknown as Value,
            },
          ]
        : []),
    ];
    return changes.length === 0 ? [] : (refuseRunning(seen) ?? changes);
  },
  expect(want, seen) {
    const restored = isRestoredThere(want, seen);
    return {
      ...seen,
      data: seen.pre ? 'member' : restored ? 'none' : seen.data,
      pre: false,
      preWal: false,
      after: seen.after || restored,
      ledger: isOfRestore(want, seen) ? formerLedger(seen) : seen.ledger,
    };
  },
  fingerprint: fingerprintAside,
  write(want, changes) {
    const script = [writeBack(asideOf(want))];
    const ledger = changes.find(({ path }) => path === 'ledger');
    if (ledger) {
      const former = ledger.after as unknown as Ledger | null;
      script.push(former ? writeLedger(want.cluster, formatLedger({ ...former, at: '' })) : removeLedger(want.cluster));
    }
    return { script: script.join('\n') };
  },
};

/** The ledger in force is of this restore, and not of one before it that is what is to come back. */
function isOfRestore({ sha256, generation }: Want, { ledger }: AsideSighting): boolean {
  if (ledger === undefined || ledger === 'damaged' || !ledger.restored) return false;
  return ledger.restored.sha256 === sha256 && ledger.restored.generation === generation;
}

/** What was restored is still in its place. */
function isRestoredThere(want: Want, seen: AsideSighting): boolean {
  return !seen.after && (seen.data === 'member' || seen.data === 'other') && isOfRestore(want, seen);
}

/** The ledger of before, which remembers what was given up. */
function formerLedger({ kept, ledger }: AsideSighting): Ledger | undefined {
  if (kept === undefined || kept === 'damaged' || ledger === undefined || ledger === 'damaged') return undefined;
  return { ...kept, undone: [...new Set([...(kept.undone ?? []), ledger.clusterId])].sort() };
}
