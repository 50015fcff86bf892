// The members of a cluster as inventory and pillar declare them; no host is asked, so a dead peer changes nothing.
import type { DeclaredMember } from '../etcd/members.ts';
import type { Cluster } from '../inventory/inventory.ts';
import type { Scope } from './load.ts';

type DeclaringScope = Pick<Scope, 'inventory' | 'pillars'>;

/** In the order of the inventory. */
export function declaredMembers(scope: DeclaringScope, cluster: Cluster): DeclaredMember[] {
  return cluster.members.map((host) => declaredMember(scope, host));
}

/** The member of one host. */
export function declaredMember({ inventory, pillars }: DeclaringScope, host: string): DeclaredMember {
  const { etcd_member_name: name, etcd_peer_port: port } = pillars.of(host).data;
  const { address } = inventory.hosts.get(host)!;
  return {
    host,
    name: typeof name === 'string' ? name : host,
    peerUrl: `https://${bracketed(address)}:${typeof port === 'number' ? port : 2380}`,
  };
}

/** An IPv6 address stands in brackets before a port. */
export function bracketed(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}
