// The members of a cluster as inventory and pillar declare them; no host is asked, so a dead peer changes nothing.
import type { DeclaredMember } from '../etcd/members.ts';
import { bracketed } from '../etcd/servers.ts';
import { type EtcdCluster, memberPillar } from './clusters.ts';
import type { Scope } from './load.ts';

type DeclaringScope = Pick<Scope, 'inventory' | 'pillars'>;

/** In the order of the inventory. */
export function declaredMembers(scope: DeclaringScope, cluster: EtcdCluster): DeclaredMember[] {
  return cluster.members.map((host) => declaredMember(scope, host, cluster));
}

/** The member of one host. */
export function declaredMember(scope: DeclaringScope, host: string, cluster: EtcdCluster): DeclaredMember {
  const { etcd_member_name: name, etcd_peer_port: port } = memberPillar(scope, host, cluster);
  const { address } = scope.inventory.hosts.get(host)!;
  return {
    host,
    name: typeof name === 'string' ? name : host,
    peerUrl: `https://${bracketed(address)}:${typeof port === 'number' ? port : 2380}`,
  };
}
