// Hosts that one run does without: no members of a cluster any more, in the group all the same, and never written to.
import type { Cluster, Inventory } from '../inventory/inventory.ts';

export interface LeftOut {
  /** The etcd cluster: that of a group, or that of its events. */
  cluster: string;
  hosts: readonly string[];
}

/** `group`: the name of the inventory's cluster to which the hosts belong. */
export function leaveOut(inventory: Inventory, group: string, { cluster, hosts }: LeftOut): Inventory {
  const found = inventory.clusters.get(group);
  if (!found || hosts.length === 0) return inventory;
  const clusters = new Map(inventory.clusters).set(group, { ...found, leftOut: new Map([[cluster, hosts]]) });
  return { ...inventory, clusters };
}

/** The cluster as the etcd cluster `name` has it. */
export function withoutLeftOut(cluster: Cluster, name: string): Cluster {
  const gone = cluster.leftOut?.get(name);
  return gone ? { ...cluster, members: cluster.members.filter((host) => !gone.includes(host)) } : cluster;
}

/** Whether the run writes nothing there, of whichever cluster it is about. */
export function isLeftOut({ hosts, clusters }: Inventory, host: string): boolean {
  const { leftOut } = clusters.get(hosts.get(host)?.cluster ?? '') ?? {};
  return [...(leftOut?.values() ?? [])].some((gone) => gone.includes(host));
}
