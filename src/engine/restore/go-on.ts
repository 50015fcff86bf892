// What going on with a restore, or taking it back, does before its first step: find it on the hosts, and refuse.
import type { Found, Ledger } from '../../etcd/ledger.ts';
import { quorumOf } from '../../etcd/quorum.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import type { Procedure } from '../../procedures/read.ts';
import { type EtcdCluster, memberPillar } from '../clusters.ts';
import type { Held } from '../hold.ts';
import type { Probe } from '../probe.ts';
import type { LoadedStep } from '../procedure.ts';
import { askLeftOut, refuseRunningThere } from './left-out.ts';
import { findLoss } from './loss.ts';
import { givenBy, type RestoreRecord } from './record.ts';
import { type LoadState, loadSteps } from './steps.ts';
import { type KnownRestore, surveyHosts } from './survey.ts';

export interface GoOn {
  run: string;
  /** As the inventory has it: with the hosts that were left out. */
  cluster: EtcdCluster;
  procedure: Procedure;
  load: LoadState;
  announce(steps: readonly LoadedStep[], record: RestoreRecord): void;
  /** What is left to do before every host has the snapshot of a survivor. `cluster`: without the hosts that are left out. */
  saveSurvivor?(cluster: EtcdCluster, record: RestoreRecord): Promise<Attempt<LoadedStep[]>>;
}

/** The restore `run` as the hosts know it. */
async function findRestore(
  held: Held,
  { run, cluster }: GoOn,
): Promise<Attempt<{ record: RestoreRecord; known: ReadonlyMap<string, KnownRestore>; others: KnownRestore[] }>> {
  const { live, seen } = held;
  const surveyed = await surveyHosts(live, (host) => memberPillar(live.loaded, host, cluster), cluster.service);
  if (surveyed.failures.length > 0) return fail(...surveyed.failures);
  const known = new Map(
    [...surveyed.hosts].flatMap(([host, { restores }]): [string, KnownRestore][] => {
      const one = restores.find((each) => each.run === run);
      return one ? [[host, one]] : [];
    }),
  );
  const others = [...surveyed.hosts.values()].flatMap(({ restores }) => restores.filter((one) => one.run !== run));
  const records = [...known.values()].flatMap((one) => (one.record?.cluster === cluster.name ? [one.record] : []));
  // Of a survivor it is written twice: the one that names the snapshot is the later.
  const record = records.find(({ sha256 }) => sha256 !== null) ?? records[0];
  if (!record) {
    const other = [...known.values()].find((one) => one.record)?.record?.cluster;
    if (other !== undefined) {
      const message = `the restore ${run} is of cluster ${other}, and ${cluster.name} is meant`;
      return fail({ reason: 'guard', message, next: `pass --cluster ${other}` });
    }
    const away = cluster.members.filter((host) => !seen.probes.has(host));
    if (away.length > 0) {
      const message = `no host of ${cluster.name} that can be asked knows a restore ${run}, and ${away.join(', ')} cannot be asked`;
      return fail({ reason: 'guard', message, next: 'bring them within reach, then run the same command again' });
    }
    const runs = new Set(others.map((one) => one.run));
    const message = `no host of ${cluster.name} knows a restore ${run}: nothing of it was begun there`;
    const next =
      runs.size > 0 ? `they know ${[...runs].join(', ')}` : 'begin it: `quorate restore --from … --confirm …`';
    return fail({ reason: 'guard', message, next });
  }
  const missing = membersOf(cluster, record).filter((host) => !seen.probes.has(host));
  if (missing.length > 0) {
    return fail(
      ...missing.map((host): Failure => {
        const message = `it cannot be asked: ${seen.failures.get(host)?.message ?? 'no answer'}`;
        return { reason: 'guard', host, message, next: 'bring it within reach, then run the same command again' };
      }),
    );
  }
  return succeed({ record, known, others });
}

/** Of the restored cluster. */
export function membersOf({ members }: EtcdCluster, { without }: Pick<RestoreRecord, 'without'>): string[] {
  return members.filter((host) => !without.includes(host));
}

/** The snapshot lies on the hosts: where one has not got it yet, the restore has not begun anywhere. */
export async function prepareResume(held: Held, goOn: GoOn): Promise<Attempt<LoadedStep[]>> {
  const found = await findRestore(held, goOn);
  if (!found.ok) return found;
  const { record, known } = found.value;
  const { without } = record;
  const cluster = { ...goOn.cluster, members: membersOf(goOn.cluster, record) };
  const ended = refuseEnded(record.run, cluster.members, known);
  if (ended) return fail(ended);
  const back = refuseRunningThere(await askLeftOut(held.live, goOn.cluster, without), cluster);
  if (back.length > 0) return fail(...back);
  const lacking = cluster.members.filter((host) => known.get(host)?.record === undefined);
  if (record.survivor && cluster.members.some((host) => known.get(host)?.size === undefined)) {
    goOn.announce([], record);
    return goOn.saveSurvivor!(cluster, record);
  }
  if (lacking.length > 0) {
    const message = `${lacking.join(', ')} ${lacking.length === 1 ? 'has' : 'have'} not got the snapshot: the restore ${record.run} was interrupted before anything was stopped`;
    const next = `take it back (\`quorate undo ${record.run}\`), which is nothing but a note, and begin it again from ${record.from}`;
    return fail({ reason: 'guard', message, next });
  }
  const living = refuseLiving(goOn.cluster, record, known, held.seen.probes);
  if (living) return fail(living);
  const left = leftOf(goOn.procedure, isReleased(known));
  const steps = await loadSteps(left, givenBy(record), goOn.load, { leftOut: without });
  if (steps.ok) goOn.announce(steps.value, record);
  return steps;
}

type Known = ReadonlyMap<string, Pick<KnownRestore, 'end' | 'released'>>;

/** A restore that is at its end everywhere: to begin it again would stop what serves now. */
export function refuseEnded(run: string, members: readonly string[], known: Known): Failure | undefined {
  const undone = [...known.values()].some(({ end }) => end === 'undone');
  if (!undone && !members.every((host) => known.get(host)?.end === 'done')) return undefined;
  return {
    reason: 'guard',
    message: `the restore ${run} ${undone ? 'has been taken back' : 'is at its end'}: nothing is left to go on with`,
    next: undone
      ? 'begin another one: `quorate restore --from … --confirm …`'
      : '`quorate apply kubernetes.running` looks after the cluster; another restore is begun with `quorate restore`',
  };
}

/**
 * A cluster that had no quorum when its restore was begun, and has one now, was brought back by somebody meanwhile: nobody
 * has agreed that it stops, nor that what was written since is lost.
 */
export function refuseLiving(
  { name, members }: Pick<EtcdCluster, 'name' | 'members'>,
  record: Pick<RestoreRecord, 'run' | 'cluster' | 'from' | 'sha256' | 'generation' | 'without' | 'overHealthy'>,
  known: Known,
  probes: ReadonlyMap<string, Pick<Probe, 'members'>>,
): Failure | undefined {
  if (record.overHealthy || isReleased(known)) return undefined;
  const living = membersOf({ members } as EtcdCluster, record).filter((host) => {
    const { status, guard } = probes.get(host)?.members.get(record.cluster) ?? {};
    return status?.healthy === true && !isRestored(guard?.ledger, record);
  });
  if (living.length < (record.without.length > 0 ? 1 : quorumOf(members.length))) return undefined;
  return {
    reason: 'guard',
    message: `cluster ${name} had no quorum when the restore ${record.run} was begun, and has one now (${living.join(', ')}): it would stop, and what was written since would be lost`,
    next: `take the restore back (\`quorate undo ${record.run}\`); or then, if all of it is to go back, begin another one from ${record.from} with --over-healthy: it says first what would be lost`,
  };
}

/** One that cannot be read says nothing. */
function isRestored(
  ledger: Found<Ledger> | undefined,
  { sha256, generation }: Pick<RestoreRecord, 'sha256' | 'generation'>,
) {
  if (ledger === 'damaged') return true;
  return ledger?.restored?.sha256 === sha256 && ledger.restored.generation === generation;
}

function isReleased(known: Known): boolean {
  return [...known.values()].some(({ released }) => released);
}

/** Once API servers may have written, the cluster rightly has more than the snapshot: what comes before is not asked again. */
export function leftOf(procedure: Procedure, released: boolean): Procedure {
  const point = procedure.steps.findIndex(({ pointOfNoReturn }) => pointOfNoReturn);
  return released && point >= 0 ? { ...procedure, steps: procedure.steps.slice(point) } : procedure;
}

export interface TakeBack extends GoOn {
  /** What was written to the restored cluster may be lost. */
  discardWrites: boolean;
  tell(sentence: string): void;
}

export async function prepareUndo(held: Held, undo: TakeBack): Promise<Attempt<LoadedStep[]>> {
  const { live, seen } = held;
  const found = await findRestore(held, undo);
  if (!found.ok) return found;
  const { record, known, others } = found.value;
  // They are made one after another: what a later one has restored is not this one's to move.
  const later = others.find(({ record: other, end }) => end !== 'undone' && other && other.at > record.at);
  if (later) {
    const message = `the cluster was restored again since, by ${later.run}`;
    return fail({ reason: 'guard', message, next: `take that one back first: \`quorate undo ${later.run}\`` });
  }
  if (record.survivor && [...known.values()].every(({ size }) => size === undefined))
    return leaveSurvivor(undo, record);
  const refusal = refuseHalf(undo.cluster, record, seen.probes);
  if (refusal) return fail(refusal);
  const members = membersOf(undo.cluster, record).map((host) => ({
    host,
    member: seen.probes.get(host)!.members.get(record.cluster),
  }));
  const released = isReleased(known);
  const serving = members.find(({ member }) => member?.status?.healthy);
  if (released) {
    const { status } = serving?.member ?? {};
    const loss = status
      ? await findLoss(live, serving!.host, memberPillar(live.loaded, serving!.host, undo.cluster), status, record)
      : undefined;
    const said = loss?.ok
      ? [`${loss.value.revisions} revisions were written since`, ...loss.value.kinds].join('\n')
      : 'nothing serves that could say how much was written since';
    if (!undo.discardWrites) {
      return fail({
        reason: 'guard',
        message: `API servers have worked with the restored cluster, and what they wrote would be lost\n${said}`,
        next: 'take a snapshot of it first (`quorate snapshot save`), then pass --discard-writes',
      });
    }
    undo.tell(`what is lost: ${said}`);
  }
  const steps = await loadUndo(undo, record, seen.probes);
  if (steps.ok) undo.announce(steps.value, record);
  return steps;
}

/** Nothing was moved yet: what was stopped may begin again, as far as there is data. */
async function leaveSurvivor(undo: TakeBack, record: RestoreRecord): Promise<Attempt<LoadedStep[]>> {
  const released = undo.procedure.steps.filter(({ apply }) => apply === 'kubernetes.restore.released');
  const hosts = { leftOut: record.without };
  const steps = await loadSteps({ steps: released }, givenBy(record), undo.load, hosts);
  undo.tell(
    `no data was moved, and ${record.survivor!.host} still has its own; etcd and kubelets that were stopped stay so: \`quorate apply kubernetes.running\` starts what has data`,
  );
  if (steps.ok) undo.announce(steps.value, record);
  return steps;
}

/** The cluster of before has those as members that the restored one was made without. */
export function refuseHalf(
  { name, members }: Pick<EtcdCluster, 'name' | 'members'>,
  { without, run }: Pick<RestoreRecord, 'without' | 'run'>,
  probes: ReadonlyMap<string, unknown>,
): Failure | undefined {
  const there = members.filter((host) => probes.has(host)).length;
  if (without.length === 0 || there >= quorumOf(members.length)) return undefined;
  return {
    reason: 'guard',
    message: `cluster ${name} had ${members.length} members before the restore ${run}, which left out ${without.join(', ')}: the others alone have no quorum of it`,
    next: 'bring as many of them within reach as a quorum needs, then run the same command again',
  };
}

/** Until what was restored is set aside the cluster is the restored one; then it is the one of before, with all its members. */
async function loadUndo(
  { procedure, load }: TakeBack,
  record: RestoreRecord,
  probes: ReadonlyMap<string, unknown>,
): Promise<Attempt<LoadedStep[]>> {
  const { without } = record;
  const away = without.filter((host) => !probes.has(host));
  const at = procedure.steps.findIndex(({ barrier }) => barrier === 'quorum');
  const first = await loadSteps({ steps: procedure.steps.slice(0, at) }, givenBy(record), load, { leftOut: without });
  const rest = await loadSteps({ steps: procedure.steps.slice(at) }, givenBy(record), load, { spared: away });
  return first.ok && rest.ok ? succeed([...first.value, ...rest.value]) : first.ok ? rest : first;
}
