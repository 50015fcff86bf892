// What only a survivor has left becomes a snapshot: the others are fenced first, then it is taken live, proved and kept.
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseSnapshotName } from '../../etcd/snapshot/name.ts';
import type { MemberStatus } from '../../etcd/status.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import type { Procedure } from '../../procedures/read.ts';
import { openDirectory } from '../../storage/file.ts';
import { openPart } from '../../storage/part.ts';
import type { Place } from '../../storage/place.ts';
import { type EtcdCluster, memberPillar } from '../clusters.ts';
import type { Held } from '../hold.ts';
import type { LoadedStep, TakeSteps } from '../procedure.ts';
import { type BroughtSnapshot, withSnapshot } from '../snapshot/bring.ts';
import { keep, prove } from '../snapshot/save.ts';
import { askMembers } from '../snapshot/survey.ts';
import { takeSnapshot } from '../snapshot/take.ts';
import { bringToHosts, writeRecord } from './bring.ts';
import { chooseSurvivor } from './choose-survivor.ts';
import { generationOf } from './judge.ts';
import { contentOf, givenBy, type RestoreRecord } from './record.ts';
import { type LoadState, loadSteps } from './steps.ts';
import { judgeHosts, type Looked } from './verdict.ts';

export interface SurvivorWish {
  /** Without the hosts that are left out. */
  cluster: EtcdCluster;
  /** What ends the others: its last step spares the survivor. */
  fence: Procedure;
  /** The restore itself. */
  procedure: Procedure;
  load: LoadState;
  /** For the member to give all of it. */
  saveSeconds: number;
  rehearse(held: Held, host: string, rehearsed: Rehearsed): Promise<Failure[]>;
  say(sentence: string): void;
  onProgress(what: string, done: number, total: number): void;
}

interface Rehearsed {
  place: Place;
  name: string;
  snapshot: BroughtSnapshot;
}

/** The steps that end everything but the survivor. */
async function loadFence({ fence, load }: SurvivorWish, record: RestoreRecord): Promise<Attempt<LoadedStep[]>> {
  const leftOut = record.without;
  const spared = [record.survivor!.host];
  const given = givenBy(record);
  const first = await loadSteps({ steps: fence.steps.slice(0, -1) }, given, load, { leftOut });
  const last = await loadSteps({ steps: fence.steps.slice(-1) }, given, load, { leftOut, spared });
  return first.ok && last.ok ? succeed([...first.value, ...last.value]) : first.ok ? last : first;
}

/**
 * Goes on from whatever is there: fences again, takes the snapshot that this restore has taken once, or takes it, and
 * brings it to every host. The survivor's data is read through its own etcd alone, and never written to.
 */
export async function saveSurvivor(
  held: Held,
  wish: SurvivorWish,
  begun: RestoreRecord,
  take: TakeSteps,
): Promise<Attempt<LoadedStep[]>> {
  const { live } = held;
  const { cluster, say } = wish;
  const fence = await loadFence(wish, begun);
  if (!fence.ok) return fence;
  const written = await writeRecord(live, begun, cluster.members);
  if (written.length > 0) return fail(...written);
  const stopped = await take(fence.value);
  if (stopped) return fail(stopped);

  const directory = join(live.home, 'runs', begun.run);
  const name = await findTaken(directory);
  if (name === undefined && begun.sha256 !== null) return fail(takenElsewhere(begun));
  const taken = name === undefined ? await takeLive(held, wish, begun, directory) : succeed(name);
  if (!taken.ok) return taken;
  const place = openDirectory(directory);
  const brought = { place, name: taken.value, home: live.home, signal: live.kill, onProgress: wish.onProgress };
  return withSnapshot(brought, async (snapshot) => {
    const { sha256, content } = snapshot.snapshot;
    if (begun.sha256 !== null && begun.sha256 !== sha256) return fail(takenElsewhere(begun));
    const record: RestoreRecord = {
      ...begun,
      ...contentOf(content),
      from: `${directory}/${taken.value}`,
      sha256,
      generation: begun.sha256 === null ? generationOf(generationCase(held, wish, sha256)) : begun.generation,
    };
    const noted = await writeRecord(live, record, cluster.members);
    if (noted.length > 0) return fail(...noted);
    say(`${taken.value}: revision ${content.revision}, ${content.keys} keys, sha256 ${sha256}`);
    const other = cluster.members.find((host) => host !== record.survivor!.host) ?? record.survivor!.host;
    const unfit = await wish.rehearse(held, other, { place, name: taken.value, snapshot });
    if (unfit.length > 0) return fail(...unfit);
    const failures = await bringToHosts(live, {
      record,
      receipt: snapshot.receipt,
      path: snapshot.path,
      hosts: cluster.members,
      onProgress: (host, done, total) => wish.onProgress(`to ${host}`, done, total),
    });
    if (failures.length > 0) return fail(...failures);
    return loadSteps(wish.procedure, givenBy(record), wish.load, { leftOut: record.without });
  });
}

function generationCase({ live, seen }: Held, { cluster }: SurvivorWish, sha256: string) {
  const pillar = (host: string) => memberPillar(live.loaded, host, cluster);
  return { cluster, probes: seen.probes, ledger: undefined, snapshot: { sha256 }, pillar };
}

/** What this restore has taken, on this controller: there is never a second one. */
async function findTaken(directory: string): Promise<string | undefined> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.find((name) => parseSnapshotName(name) !== undefined);
}

function takenElsewhere({ run, sha256, survivor }: RestoreRecord): Failure {
  return {
    reason: 'guard',
    message: `the snapshot of ${survivor!.host} that this restore has taken (sha256 ${sha256}) is not here, and not on every host yet`,
    next: `go on from ${survivor!.controller}, which has it; or take the restore back (\`quorate undo ${run}\`) and begin again: ${survivor!.host} still has its data`,
  };
}

/** The others are down by now: what the survivor has cannot become less, and nobody writes. */
async function takeLive(
  { live }: Held,
  wish: SurvivorWish,
  record: RestoreRecord,
  directory: string,
): Promise<Attempt<string>> {
  const { cluster, say, onProgress } = wish;
  const { host } = record.survivor!;
  const pillar = (name: string) => memberPillar(live.loaded, name, cluster);
  const limits = { signal: live.kill, limitMs: live.loaded.limits.program };
  const { sessions } = live.connections;
  const [asked] = await askMembers({ sessions, members: [host], pillar, ...limits });
  const status = asked?.status;
  const unfit = refuseChanged(record, status);
  if (unfit) return fail(unfit);
  const part = await openPart(directory);
  if (!part.ok) return part;
  try {
    // Names have whole seconds, and the receipt says the same.
    const time = new Date(Math.floor(Date.now() / 1000) * 1000);
    say(`${host} gives its snapshot`);
    const taken = await takeSnapshot({
      session: sessions.get(host)!,
      pillar: pillar(host),
      run: `${live.run}-${cluster.name}`,
      signal: live.kill,
      limitSeconds: wish.saveSeconds,
      expected: status!.dbSize,
      version: status!.version,
      take: part.value.write,
      onProgress: (done, total) => onProgress(`from ${host}`, done, total),
    });
    if (!taken.ok) return taken;
    const options = { cluster: cluster.name, signal: live.kill, onProgress, home: live.home };
    const origin = { host, status: status!, time, least: status!.revision, canary: null, compared: null };
    const receipt = await prove(options, part.value, origin);
    if (!receipt.ok) return receipt;
    const kept = await keep({ ...options, place: openDirectory(directory) }, part.value, receipt.value);
    return kept.ok ? succeed(kept.value.name) : kept;
  } finally {
    await part.value.discard();
  }
}

/** Asked once more after the others were ended: it has to be who it was, alone. */
export function refuseChanged(
  { survivor }: Pick<RestoreRecord, 'survivor'>,
  status: Pick<MemberStatus, 'healthy' | 'raftAppliedIndex'> | undefined,
): Failure | undefined {
  const { host, index } = survivor!;
  if (!status) {
    return {
      reason: 'guard',
      host,
      message: 'it does not answer any more, and no snapshot of it was taken',
      next: 'see why its etcd has ended; a member that is started without a quorum serves nobody. Take this restore back (`quorate undo`), and restore a snapshot',
    };
  }
  if (status.healthy || status.raftAppliedIndex < index) {
    return {
      reason: 'guard',
      host,
      message: status.healthy
        ? 'it knows a leader again, though all others that can be reached were stopped: somebody serves this cluster elsewhere'
        : `it has applied ${status.raftAppliedIndex}, and ${index} before: its data is not what it was`,
      next: 'look at `quorate status`; take this restore back (`quorate undo`) before anything else',
    };
  }
  return undefined;
}

export interface SurvivorVerdict {
  refusals: Failure[];
  warnings: string[];
  /** What each member had to say. */
  told: string[];
  /** The record before there is a snapshot: who is to give it. Absent: nobody is. */
  record?: RestoreRecord;
}

/** Everything that can be refused, without writing anywhere. `cluster`: without the hosts that are left out. */
export async function judgeSurvivor(
  looked: Looked,
  cluster: EtcdCluster,
  without: readonly string[],
): Promise<SurvivorVerdict> {
  const { live, seen } = looked;
  const chosen = chooseSurvivor(cluster, without, seen.probes);
  const status = chosen.ok ? chosen.value.status : undefined;
  const { refusals, warnings } = await judgeHosts(looked, cluster, {
    ledger: undefined,
    // What it will be at most.
    snapshot: { sha256: '', size: status?.dbSize ?? 0, ...(status ? { clusterVersion: status.version } : {}) },
    receipt: undefined,
    maxAge: undefined,
    // That a quorum serves is refused otherwise here.
    overHealthy: true,
    without,
  });
  if (!chosen.ok) return { refusals: [...refusals, ...chosen.failures], warnings, told: [] };
  const { host, told } = chosen.value;
  const record: RestoreRecord = {
    run: live.run,
    cluster: cluster.name,
    from: `survivor ${host}`,
    sha256: null,
    revision: chosen.value.status.revision,
    generation: 1,
    keys: 0,
    prefixes: {},
    canary: null,
    without: [...without],
    survivor: { host, index: chosen.value.status.raftAppliedIndex, controller: hostname() },
    at: new Date().toISOString(),
  };
  return { refusals, warnings, told, record };
}
