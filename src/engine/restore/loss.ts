// What would be lost: the cluster that serves now, held against a snapshot, kind by kind.
import { REVISION_BUMP } from '../../etcd/restoration.ts';
import { ownCounts } from '../../etcd/snapshot/rehearsal.ts';
import type { MemberStatus } from '../../etcd/status.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { etcdContent } from '../../modules/etcd/content.ts';
import type { ValueMap } from '../../value.ts';
import type { LiveContext } from '../context.ts';
import type { RestoreRecord } from './record.ts';

export interface Loss {
  /** Revisions that were written since the snapshot. */
  revisions: number;
  /** Kinds whose number of keys is another one now; sentences. */
  kinds: string[];
}

/** Asks the member of `host`, which has to serve, through its leader. It counts keys: a key that was only changed is in `revisions`. */
export async function findLoss(
  live: LiveContext,
  host: string,
  pillar: ValueMap,
  status: MemberStatus,
  record: Pick<RestoreRecord, 'revision' | 'keys' | 'prefixes' | 'canary'>,
): Promise<Attempt<Loss>> {
  const { etcd_bin_dir, etcd_pki_dir, etcd_client_port } = pillar;
  const id = {
    bin_dir: etcd_bin_dir,
    pki_dir: etcd_pki_dir,
    client_port: etcd_client_port,
    ...record,
    revision: null,
  } as never;
  const { answers, failure } = await live.connections.sessions
    .get(host)!
    .read(
      { kind: 'read', parts: [{ id: 'loss', script: etcdContent.read(id) }] },
      { signal: live.kill, limitMs: live.loaded.limits.program },
    );
  if (failure) return fail(failure);
  const [answer] = answers;
  if (answer!.status !== 0) {
    const message = `it cannot be asked what would be lost: ${answer!.stderr.trim()}`;
    return fail({ reason: 'script', host, message });
  }
  return succeed({
    revisions: revisionsSince(status.revision, record.revision),
    kinds: compareKinds(etcdContent.parse(answer!).current, record),
  });
}

/** `current.below`: below each kind that the snapshot has, in their order. What is of none of these is told as one. */
export function compareKinds(
  current: { readonly keys: number; readonly below: readonly number[] },
  snapshot: Pick<RestoreRecord, 'keys' | 'prefixes'>,
): string[] {
  const prefixes = Object.keys(snapshot.prefixes);
  const now = ownCounts(new Map(prefixes.map((prefix, at) => [prefix, current.below[at]!])));
  const rest = (keys: number, counts: Iterable<number>) => [...counts].reduce((left, count) => left - count, keys);
  return [
    ...prefixes.map((prefix): [string, number, number] => [prefix, now.get(prefix)!, snapshot.prefixes[prefix]!]),
    ['other kinds', rest(current.keys, now.values()), rest(snapshot.keys, Object.values(snapshot.prefixes))] as const,
  ]
    .filter(([, there, then]) => there !== then)
    .map(([kind, there, then]) => `${kind}: ${there} now, ${then} in the snapshot`);
}

/** Also behind a restore that has raised the revision. */
export function revisionsSince(now: number, then: number): number {
  return now - then >= REVISION_BUMP ? now - then - REVISION_BUMP : now - then;
}
