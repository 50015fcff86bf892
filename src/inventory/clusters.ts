// Which groups are etcd clusters: those whose vars carry `etcd_cluster`.
import { type Failure, formatPlace } from '../failure.ts';
import { type DraftGroup, type DraftHost, isSafeName, type Variable } from './draft.ts';
import type { Cluster } from './inventory.ts';

interface ClusterSearch {
  groups: ReadonlyMap<string, DraftGroup>;
  /** Group → all its hosts, in inventory order. */
  members: ReadonlyMap<string, string[]>;
  hosts: ReadonlyMap<string, DraftHost>;
  failures: Failure[];
}

export function findClusters({ groups, members, hosts, failures }: ClusterSearch): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>();
  for (const group of groups.values()) {
    const variable = group.vars.get('etcd_cluster');
    if (variable === undefined || !checkName(variable)) continue;
    const name = variable.value as string;
    const cluster = { name, group: group.name, members: members.get(group.name)!, place: variable.place };
    const earlier = clusters.get(name);
    if (earlier === undefined || isInside(earlier.group, group.name)) clusters.set(name, cluster);
    else if (!isInside(group.name, earlier.group)) refuseSecondGroup(cluster, earlier);
  }
  for (const host of hosts.values()) {
    refuseOnHost(host);
    refuseSecondCluster(host.name);
  }
  return clusters;

  function checkName({ value, place }: Variable): boolean {
    if (typeof value === 'string' && isSafeName(value)) return true;
    failures.push({
      reason: 'schema',
      message: `etcd_cluster must be a name of letters, digits, ".", "_" and "-", not ${JSON.stringify(value)}`,
      place,
      next: 'for example etcd_cluster: main',
    });
    return false;
  }

  /** A group inside the cluster's own may repeat the name: it adds nothing. */
  function isInside(inner: string, outer: string): boolean {
    const children = groups.get(outer)?.children;
    if (outer === 'all' || children?.has(inner)) return true;
    return [...(children?.keys() ?? [])].some((child) => isInside(inner, child));
  }

  function refuseSecondGroup(second: Cluster, first: Cluster): void {
    failures.push({
      reason: 'duplicate',
      message: `the etcd cluster ${second.name} is already the group ${first.group} (${formatPlace(first.place)})`,
      place: second.place,
      next: 'give the second cluster a name of its own, or put both groups into one that carries etcd_cluster',
    });
  }

  function refuseOnHost({ name, vars }: DraftHost): void {
    const variable = vars.get('etcd_cluster');
    if (variable === undefined) return;
    failures.push({
      reason: 'schema',
      message: `etcd_cluster stands at the host ${name}, but a cluster is a group`,
      place: variable.place,
      next: "move it to the vars of the group that holds the cluster's members",
    });
  }

  function refuseSecondCluster(host: string): void {
    const [first, second] = [...clusters.values()].filter((each) => each.members.includes(host));
    if (first === undefined || second === undefined) return;
    const named = [first, second].map((each) => `${each.name} (${formatPlace(each.place)})`).join(' and ');
    failures.push({
      reason: 'duplicate',
      message: `${host} would be a member of two etcd clusters, ${named}`,
      place: second.place,
      next: 'take it out of the group of one of them',
    });
  }
}
