// The etcd clusters of the hosts: those that the inventory names and, with `etcd_events`, the one for events beside each.
import type { Cluster } from '../inventory/inventory.ts';
import { eventsClusterOf, eventsPillar, hasEvents } from '../pillar/events.ts';
import type { ValueMap } from '../value.ts';
import { withoutLeftOut } from './left-out.ts';
import type { Scope } from './load.ts';

export interface EtcdCluster extends Cluster {
  /** The cluster on the same hosts whose events it carries; absent: it is that of the inventory. */
  eventsOf?: string;
  /** What runs its members is called so on every host: the unit, the manifest, the directory of its environment. */
  service: 'etcd' | 'etcd-events';
}

type ClusterScope = Pick<Scope, 'inventory' | 'pillars'>;

/** By name, each cluster of the inventory followed by that of its events. */
export function etcdClusters({ inventory, pillars }: ClusterScope): Map<string, EtcdCluster> {
  const clusters = new Map<string, EtcdCluster>();
  for (const cluster of inventory.clusters.values()) {
    clusters.set(cluster.name, { ...withoutLeftOut(cluster, cluster.name), service: 'etcd' });
    if (!cluster.members.some((host) => hasEvents(pillars.of(host).data))) continue;
    const name = eventsClusterOf(cluster.name);
    clusters.set(name, { ...withoutLeftOut(cluster, name), name, eventsOf: cluster.name, service: 'etcd-events' });
  }
  return clusters;
}

/** Whose members the host has: that of the inventory first. Empty for a host in no cluster. */
export function clustersOf(scope: ClusterScope, host: string): EtcdCluster[] {
  return [...etcdClusters(scope).values()].filter(({ members }) => members.includes(host));
}

/** The pillar of a host as its member of `cluster` sees it. */
export function memberPillar({ pillars }: Pick<Scope, 'pillars'>, host: string, cluster: EtcdCluster): ValueMap {
  const { data } = pillars.of(host);
  return cluster.eventsOf === undefined ? data : eventsPillar(data);
}
