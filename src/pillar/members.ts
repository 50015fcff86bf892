// What the members of one cluster must not share: etcd tells them apart by name.
import type { Failure } from '../failure.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Pillar } from './pillar.ts';

export function checkMembers(inventory: Inventory, pillars: ReadonlyMap<string, Pillar>): Failure[] {
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
