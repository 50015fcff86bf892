// The clusters as their own members see them, put together from every member that answered.

import { alarmsIn } from '../etcd/health.ts';
import { bracketed } from '../etcd/servers.ts';
import type { ClusterView, MemberView } from '../modules/module.ts';
import type { Judgements } from './beginning.ts';
import { type EtcdCluster, etcdClusters, memberPillar } from './clusters.ts';
import { declaredMembers } from './declared.ts';
import type { Scope } from './load.ts';
import type { Probe } from './probe.ts';

/** The clusters of the run's hosts, by name. Every member of the inventory is in its view, answering or not. */
export function viewClusters(
  scope: Pick<Scope, 'inventory' | 'pillars' | 'hosts'> & Partial<Pick<Scope, 'targets'>>,
  probes: ReadonlyMap<string, Probe>,
  judgements: Judgements = new Map(),
): Map<string, ClusterView> {
  const views = new Map<string, ClusterView>();
  for (const cluster of etcdClusters(scope).values()) {
    if (!cluster.members.some((member) => scope.hosts.includes(member))) continue;
    const judgement = judgements.get(cluster.name);
    views.set(cluster.name, {
      name: cluster.name,
      members: declaredMembers(scope, cluster).map(({ host, name, peerUrl }) => {
        const refusal = judgement?.refusals.get(host);
        const client = `${bracketed(scope.inventory.hosts.get(host)!.address)}:${memberPillar(scope, host, cluster).etcd_client_port}`;
        return {
          ...viewMember(host, probes.get(host), cluster.name),
          name,
          peerUrl,
          client,
          ...(scope.targets?.includes(host) ? { target: true as const } : {}),
          ...(refusal ? { refusal } : {}),
        };
      }),
      ...(judgement ? { beginning: judgement.beginning } : {}),
      ...(mayStop(scope, cluster, probes) ? { mayStop: true as const } : {}),
    });
  }
  return views;
}

/** By the pillar of all its members; or because it is still being founded, when nobody relies on it yet. */
function mayStop(scope: Pick<Scope, 'pillars'>, cluster: EtcdCluster, probes: ReadonlyMap<string, Probe>): boolean {
  return (
    cluster.members.every((host) => memberPillar(scope, host, cluster).etcd_allow_outage === true) ||
    cluster.members.some((host) => probes.get(host)?.members.get(cluster.name)?.guard?.marker !== undefined)
  );
}

function viewMember(host: string, probe: Probe | undefined, cluster: string): MemberView {
  const status = probe?.members.get(cluster)?.status;
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
