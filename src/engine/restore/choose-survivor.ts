// Whose data a cluster that has lost its quorum goes back to: the member that has applied most, or why there is none. Pure.
import { quorumOf } from '../../etcd/quorum.ts';
import type { MemberStatus } from '../../etcd/status.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import type { EtcdCluster } from '../clusters.ts';
import type { Probe } from '../probe.ts';

export interface Survivor {
  host: string;
  status: MemberStatus;
  /** What each member had to say, a sentence each; and what is lost. */
  told: string[];
}

interface Asked {
  host: string;
  hasData: boolean;
  status?: MemberStatus;
}

/** `without`: members that are left out; what they have is not known. */
export function chooseSurvivor(
  { name, members }: EtcdCluster,
  without: readonly string[],
  probes: ReadonlyMap<string, Probe>,
): Attempt<Survivor> {
  const asked = members.map((host): Asked => {
    const { guard, status } = probes.get(host)?.members.get(name) ?? {};
    return { host, hasData: guard?.hasData === true, ...(status ? { status } : {}) };
  });
  const answering = asked.filter((one): one is Required<Asked> => one.status !== undefined);
  const refusal = refuseWhole(name, asked, answering, members.length + without.length) ?? refuseIll(name, answering);
  if (refusal) return fail(refusal);
  const voters = answering.filter(({ status }) => !status.learner);
  if (voters.length === 0) return fail(nobody(name, asked));
  const best = voters.reduce((one, other) =>
    other.status.raftAppliedIndex > one.status.raftAppliedIndex ? other : one,
  );
  const unknown = [...asked.filter(({ status }) => !status).map(({ host }) => host), ...without];
  return succeed({
    host: best.host,
    status: best.status,
    told: [
      ...asked.map((one) => tell(one, one.host === best.host)),
      ...without.map((host) => `${host}: left out, nobody knows what it has`),
      `lost: what ${unknown.join(', ')} had acknowledged and ${best.host} had not yet; nobody can say how much that is`,
    ],
  });
}

function tell({ host, hasData, status }: Asked, chosen: boolean): string {
  if (status) {
    const { raftAppliedIndex: index, revision } = status;
    return `${host}: applied index ${index}, revision ${revision}${status.learner ? ', a learner' : ''}${chosen ? ' (the survivor)' : ''}`;
  }
  return `${host}: ${hasData ? 'has data, and its etcd does not answer' : 'has no data'}`;
}

/** A survivor is for when nothing better is left. */
function refuseWhole(
  name: string,
  asked: readonly Asked[],
  answering: readonly Required<Asked>[],
  voters: number,
): Failure | undefined {
  const healthy = answering.filter(({ status }) => status.healthy).map(({ host }) => host);
  if (healthy.length > 0) {
    return {
      reason: 'guard',
      message: `${healthy.join(', ')} still ${healthy.length === 1 ? 'knows' : 'know'} a leader: cluster ${name} has a quorum, and nothing has to be saved from a survivor`,
      next: 'replace what is broken; or, if all of it is to go back, take a snapshot (`quorate snapshot save`) and restore that',
    };
  }
  const having = asked.filter(({ hasData }) => hasData).map(({ host }) => host);
  if (having.length < quorumOf(voters)) return undefined;
  return {
    reason: 'guard',
    message: `${having.join(', ')} have their data, and they are enough for a quorum of cluster ${name}: together they have lost nothing`,
    next: 'find out what keeps them apart (`quorate status`), and start those that are down. If the data of one cannot be used any more, move it aside there, and it no longer counts',
  };
}

/** Whose data must not become everybody's. */
function refuseIll(name: string, answering: readonly Required<Asked>[]): Failure | undefined {
  const ids = new Set(answering.map(({ status }) => status.clusterId));
  if (ids.size > 1) {
    const said = answering.map(({ host, status }) => `${host} ${status.clusterId}`).join(', ');
    return {
      reason: 'guard',
      message: `the members that answer are not of one cluster, by their ids: ${said}`,
      next: `find out which one Kubernetes has used, and stop etcd on the others: they are then no survivors`,
    };
  }
  const corrupt = answering.filter(({ status }) => status.errors.some((error) => error.includes('CORRUPT')));
  if (corrupt.length === 0) return undefined;
  return {
    reason: 'guard',
    message: `etcd itself has raised the alarm CORRUPT in cluster ${name} (${corrupt.map(({ host }) => host).join(' ')})`,
    next: 'restore a snapshot from before (`quorate snapshot list`): a survivor would carry the damage on',
  };
}

function nobody(name: string, asked: readonly Asked[]): Failure {
  const silent = asked.filter(({ hasData }) => hasData).map(({ host }) => host);
  return {
    reason: 'guard',
    message: `no member of cluster ${name} survives that could give its data: ${asked.map((one) => tell(one, false)).join('; ')}`,
    next:
      silent.length > 0
        ? `restore a snapshot (--from PLACE). What ${silent.join(', ')} ${silent.length === 1 ? 'has' : 'have'} is kept beside; a member that was started without a quorum serves nobody, and copying its files would miss its log`
        : 'restore a snapshot (--from PLACE)',
  };
}
