// The clusters as their own members see them, put together from every member that answered.
import type { ClusterView, MemberView } from '../modules/module.ts';
import type { Scope } from './load.ts';
import type { Probe } from './probe.ts';

/** The clusters of the run's hosts, by name. Every member of the inventory is in its view, answering or not. */
export function viewClusters(
  scope: Pick<Scope, 'inventory' | 'hosts'>,
  probes: ReadonlyMap<string, Probe>,
): Map<string, ClusterView> {
  const views = new Map<string, ClusterView>();
  for (const cluster of scope.inventory.clusters.values()) {
    if (!cluster.members.some((member) => scope.hosts.includes(member))) continue;
    views.set(cluster.name, {
      name: cluster.name,
      members: cluster.members.map((host) => viewMember(host, probes.get(host))),
    });
  }
  return views;
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
  };
}
