// What a restore does before its first step: look, refuse, rehearse, bring the snapshot to every host.
import { type Attempt, type Failure, fail } from '../../failure.ts';
import type { Procedure } from '../../procedures/read.ts';
import { type EtcdCluster, memberPillar } from '../clusters.ts';
import { readLedgers } from '../controller-ledger.ts';
import type { Held } from '../hold.ts';
import type { LoadedStep } from '../procedure.ts';
import type { BroughtSnapshot } from '../snapshot/bring.ts';
import { bringToHosts } from './bring.ts';
import type { RestoreVerdict } from './judge.ts';
import { findLoss, type Loss } from './loss.ts';
import { contentOf, givenBy, type RestoreRecord } from './record.ts';
import { type LoadState, loadSteps } from './steps.ts';
import { judgeHosts, type Looked } from './verdict.ts';

export interface RestoreWish {
  cluster: EtcdCluster;
  procedure: Procedure;
  load: LoadState;
  snapshot: BroughtSnapshot;
  /** Where the snapshot came from. */
  from: string;
  maxAge: number | undefined;
  overHealthy: boolean;
  /** Hosts of the group that are no members of the restored cluster; `cluster` does not have them. */
  without: readonly string[];
  /** Restores it for a try on a host, unless that has been done. */
  rehearse(held: Held, host: string): Promise<Failure[]>;
  /** Told before anything is brought: the runbook, and what would be lost. */
  announce(steps: readonly LoadedStep[], loss: Loss | undefined, warnings: readonly string[]): void;
  onProgress(host: string, done: number, total: number): void;
}

/** Everything that can be refused, without writing anywhere. */
export async function judgeOnly(looked: Looked, wish: RestoreWish): Promise<RestoreVerdict & { loss?: Loss }> {
  const { live, seen } = looked;
  const { cluster, snapshot } = wish;
  const ledgers = await readLedgers(live.home, [cluster.name]);
  const { content, sha256, size } = snapshot.snapshot;
  const { clusterVersion, prefixes } = content;
  const verdict = await judgeHosts(looked, cluster, {
    ledger: ledgers.get(cluster.name),
    snapshot: { sha256, size, prefixes, ...(clusterVersion === undefined ? {} : { clusterVersion }) },
    receipt: snapshot.receipt,
    maxAge: wish.maxAge,
    overHealthy: wish.overHealthy,
    without: wish.without,
  });
  const [host] = verdict.serving;
  if (host === undefined || verdict.refusals.length > 0) return verdict;
  const { status } = seen.probes.get(host)!.members.get(cluster.name)!;
  const loss = await findLoss(live, host, memberPillar(live.loaded, host, cluster), status!, contentOf(content));
  return loss.ok ? { ...verdict, loss: loss.value } : { ...verdict, refusals: loss.failures };
}

export async function prepareRestore(held: Held, wish: RestoreWish): Promise<Attempt<LoadedStep[]>> {
  const { live } = held;
  const { cluster, snapshot } = wish;
  const verdict = await judgeOnly(held, wish);
  if (verdict.refusals.length > 0) return fail(...verdict.refusals);
  const record: RestoreRecord = {
    run: live.run,
    cluster: cluster.name,
    from: wish.from,
    sha256: snapshot.snapshot.sha256,
    generation: verdict.generation,
    ...contentOf(snapshot.snapshot.content),
    without: [...wish.without],
    ...(verdict.serving.length > 0 ? { overHealthy: true } : {}),
    at: new Date().toISOString(),
  };
  const steps = await loadSteps(wish.procedure, givenBy(record), wish.load, { leftOut: wish.without });
  if (!steps.ok) return steps;
  wish.announce(steps.value, verdict.loss, verdict.warnings);
  // Where nothing serves that it would slow down.
  const where = cluster.members.find((host) => !verdict.serving.includes(host)) ?? cluster.members[0]!;
  const unfit = await wish.rehearse(held, where);
  if (unfit.length > 0) return fail(...unfit);
  if (live.stop.aborted) return fail(STOPPED);
  const failures = await bringToHosts(live, {
    record,
    receipt: snapshot.receipt,
    path: snapshot.path,
    hosts: cluster.members,
    onProgress: wish.onProgress,
  });
  return failures.length > 0 ? fail(...failures) : steps;
}

const STOPPED: Failure = {
  reason: 'interrupted',
  message: 'stopped before the first step: nothing was stopped or moved',
  next: 'run the same command again',
};
