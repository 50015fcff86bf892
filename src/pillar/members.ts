// What the members of one cluster must not share, and what they must: etcd tells them apart by name, and both clusters of
// a host have the same members.
import { type Failure, formatPlace } from '../failure.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { eventsClusterOf, hasEvents } from './events.ts';
import type { Pillar } from './pillar.ts';

export function checkMembers(inventory: Inventory, pillars: ReadonlyMap<string, Pillar>): Failure[] {
  return [...checkNames(inventory, pillars), ...checkEvents(inventory, pillars)];
}

function checkEvents({ clusters }: Inventory, pillars: ReadonlyMap<string, Pillar>): Failure[] {
  return [...clusters.values()].flatMap(({ name, members }): Failure[] => {
    const having = members.filter((host) => hasEvents(pillars.get(host)!.data));
    const [first] = having;
    if (first === undefined) return [];
    const place = pillars.get(first)!.origins(['etcd_events'])[0]!.place;
    const taken = clusters.get(eventsClusterOf(name));
    if (taken) {
      const message = `the events of cluster ${name} would be the cluster ${taken.name}, which is already the group ${taken.group} (${formatPlace(taken.place)})`;
      return [{ reason: 'duplicate', message, place, next: 'give that group another etcd_cluster' }];
    }
    const without = members.filter((host) => !having.includes(host));
    if (without.length === 0) return [];
    const message = `etcd_events is true for ${having.join(', ')} and false for ${without.join(', ')}, but the events cluster of ${name} has the same members as ${name}`;
    return [{ reason: 'schema', message, place, next: `set it in clusters/${name}.yaml, for all of them` }];
  });
}

function checkNames(inventory: Inventory, pillars: ReadonlyMap<string, Pillar>): Failure[] {
  return [...inventory.clusters.values()].flatMap(({ name: cluster, members }) => {
    const named = new Map<string, string>();
    return members.flatMap((host): Failure[] => {
      const pillar = pillars.get(host)!;
      const { etcd_member_name: own } = pillar.data;
      const name = typeof own === 'string' ? own : host;
      const same = named.get(name);
      named.set(name, host);
      if (same === undefined) return [];
      return [
        {
          reason: 'duplicate',
          message: `${same} and ${host} are both the member ${name} of cluster ${cluster}`,
          place: pillar.origins(['etcd_member_name'])[0]?.place ?? inventory.hosts.get(host)!.place,
          next: 'set etcd_member_name in hosts/NAME.yaml alone, or leave it out: it is the host name then',
        },
      ];
    });
  });
}
