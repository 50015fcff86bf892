// What a restore is, written down on every host before anything is stopped: with it any controller can go on, or take it back.
import { fieldsOf } from '../../etcd/json.ts';
import type { SnapshotContent } from '../../etcd/snapshot/content.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import { countedPrefixes } from '../../etcd/snapshot/rehearsal.ts';
import type { ValueMap } from '../../value.ts';
import { HOST_HOME } from '../places.ts';

export interface RestoreRecord {
  run: string;
  cluster: string;
  /** Where the snapshot came from, as a place's url and a name. */
  from: string;
  /** null: a survivor is still to give it, and what the snapshot holds is not known yet. */
  sha256: string | null;
  revision: number;
  generation: number;
  /** Of the snapshot. */
  keys: number;
  /** Of each kind; see {@link countedPrefixes}. */
  prefixes: { [prefix: string]: number };
  canary: string | null;
  /** Hosts of the group that are no members of the restored cluster. */
  without: string[];
  /** A quorum served when it was begun, and its end was agreed to. */
  overHealthy?: true;
  /** Whose data it is, where there was no snapshot before. */
  survivor?: RecordedSurvivor;
  /** RFC 3339. */
  at: string;
}

export interface RecordedSurvivor {
  host: string;
  /** What it had applied before the others were ended. */
  index: number;
  /** The machine that has the snapshot until every host has it. */
  controller: string;
}

/** On each host; its directory also has the snapshot, its receipt, and the ledger of before. */
export const RESTORES = `${HOST_HOME}/restores`;

export const RECORD = 'restore.json';
export const SNAPSHOT = 'snapshot.db';
/** A file that says that API servers may have started on the restored data since. */
export const RELEASED = 'released';
/** Files that say how it ended. */
export const ENDS = ['done', 'undone'] as const;
export type RestoreEnd = (typeof ENDS)[number];

export function directoryOf(run: string): string {
  return `${RESTORES}/${run}`;
}

export function contentOf(content: SnapshotContent): Pick<RestoreRecord, 'keys' | 'prefixes' | 'canary' | 'revision'> {
  const counted = countedPrefixes(content);
  return {
    revision: content.revision,
    keys: content.keys,
    prefixes: Object.fromEntries(counted.map((prefix) => [prefix, content.prefixes[prefix]!])),
    canary: content.values.get(CANARY_KEY)?.value.toString() ?? null,
  };
}

/** The pillar keys that the states of the procedure read. */
export function givenBy({
  run,
  sha256,
  generation,
  revision,
  keys,
  prefixes,
  canary,
  without,
}: RestoreRecord): ValueMap {
  return {
    etcd_restore_run: run,
    etcd_restore_snapshot: `${directoryOf(run)}/${SNAPSHOT}`,
    etcd_restore_sha256: sha256,
    restore_generation: generation,
    etcd_restore_revision: revision,
    etcd_restore_keys: keys,
    etcd_restore_prefixes: prefixes,
    etcd_restore_canary: canary,
    etcd_restore_without: without,
  };
}

export function formatRecord(record: RestoreRecord): string {
  return `${JSON.stringify({ quorate: 'restore', schema: 1, ...record }, null, 1)}\n`;
}

/** Undefined: it is not what {@link formatRecord} writes. */
export function parseRecord(text: string): RestoreRecord | undefined {
  let fields: { [name: string]: unknown } | undefined;
  try {
    fields = fieldsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { quorate, schema, run, cluster, from, sha256, revision, generation, keys, prefixes, canary, at } =
    fields ?? {};
  const without = fields?.without ?? [];
  const survivor = fields?.survivor === undefined ? undefined : parseSurvivor(fields.survivor);
  const counts = Object.entries(fieldsOf(prefixes) ?? {});
  const whole =
    quorate === 'restore' &&
    schema === 1 &&
    typeof run === 'string' &&
    /^[0-9A-Za-z][0-9A-Za-z-]*$/.test(run) &&
    typeof cluster === 'string' &&
    typeof from === 'string' &&
    (typeof sha256 === 'string' ? /^[0-9a-f]{64}$/.test(sha256) : sha256 === null && survivor !== undefined) &&
    (fields?.survivor === undefined || survivor !== undefined) &&
    [revision, generation, keys].every(Number.isSafeInteger) &&
    counts.every(([, keysOfIt]) => Number.isSafeInteger(keysOfIt)) &&
    (canary === null || typeof canary === 'string') &&
    Array.isArray(without) &&
    without.every((host) => typeof host === 'string') &&
    typeof at === 'string';
  if (!whole) return undefined;
  return {
    run,
    cluster,
    from: from as string,
    sha256: sha256 as string | null,
    revision: revision as number,
    generation: generation as number,
    keys: keys as number,
    prefixes: Object.fromEntries(counts) as RestoreRecord['prefixes'],
    canary,
    without,
    ...(fields?.overHealthy === true ? { overHealthy: true } : {}),
    ...(survivor ? { survivor } : {}),
    at,
  };
}

function parseSurvivor(value: unknown): RecordedSurvivor | undefined {
  const { host, index, controller } = fieldsOf(value) ?? {};
  if (typeof host !== 'string' || !Number.isSafeInteger(index) || typeof controller !== 'string') return undefined;
  return { host, index: index as number, controller };
}
