// The clusters as their own members see them, put together from every member that answered.

import { alarmsIn } from '../etcd/health.ts';
import type { Cluster } from '../inventory/inventory.ts';
import type { ClusterView, MemberView } from '../modules/module.ts';
import type { Judgements } from './beginning.ts';
import { bracketed, declaredMembers } from './declared.ts';
import type { Scope } from './load.ts';
import type { Probe } from './probe.ts';

/** The clusters of the run's hosts, by name. Every member of the inventory is in its view, answering or not. */
export function viewClusters(
  scope: Pick<Scope, 'inventory' | 'pillars' | 'hosts'>,
  probes: ReadonlyMap<string, Probe>,
  judgements: Judgements = new Map(),
): Map<string, ClusterView> {
  const views = new Map<string, ClusterView>();
  for (const cluster of scope.inventory.clusters.values()) {
    if (!cluster.members.some((member) => scope.hosts.includes(member))) continue;
    const judgement = judgements.get(cluster.name);
    views.set(cluster.name, {
      name: cluster.name,
      members: declaredMembers(scope, cluster).map(({ host, name, peerUrl }) => {
        const refusal = judgement?.refusals.get(host);
        const client = `${bracketed(scope.inventory.hosts.get(host)!.address)}:${scope.pillars.of(host).data.etcd_client_port}`;
        return { ...viewMember(host, probes.get(host)), name, peerUrl, client, ...(refusal ? { refusal } : {}) };
      }),
      ...(judgement ? { beginning: judgement.beginning } : {}),
      ...(mayStop(scope, cluster, probes) ? { mayStop: true as const } : {}),
    });
  }
  return views;
}

/** By the pillar of all its members; or because it is still being founded, when nobody relies on it yet. */
function mayStop(
  { pillars }: Pick<Scope, 'pillars'>,
  { members }: Cluster,
  probes: ReadonlyMap<string, Probe>,
): boolean {
  return (
    members.every((host) => pillars.of(host).data.etcd_allow_outage === true) ||
    members.some((host) => probes.get(host)?.guard?.marker !== undefined)
  );
}

function viewMember(host: string, probe: Probe | undefined): MemberView {
  const status = probe?.member;
  if (!probe || !status) return { host, reachable: probe !== undefined, healthy: false, leader: false };
  return {
    host,
    reachable: true,
    healthy: status.healthy,
    leader: status.leader,
    learner: status.learner,
    memberId: status.memberId,
    clusterId: status.clusterId,
    version: status.version,
    alarms: alarmsIn(status.errors ?? []),
  };
}
