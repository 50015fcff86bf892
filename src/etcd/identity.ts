// What etcd will call a cluster and its members, before any of them has started.
import { createHash } from 'node:crypto';

/** Of a founding member with one peer URL. Source: etcd, server/etcdserver/api/membership, computeMemberID. */
export function memberIdOf(peerUrl: string, token: string): string {
  return idOf(Buffer.from(peerUrl + token)).toString(16);
}

/** Of the members that a cluster is founded with. Source: etcd, server/etcdserver/api/membership, genID. */
export function clusterIdOf(memberIds: readonly string[]): string {
  const sorted = memberIds.map((id) => BigInt(`0x${id}`)).sort((a, b) => (a < b ? -1 : 1));
  const bytes = Buffer.alloc(8 * sorted.length);
  for (const [index, id] of sorted.entries()) bytes.writeBigUInt64BE(id, 8 * index);
  return idOf(bytes).toString(16);
}

function idOf(bytes: Buffer): bigint {
  return createHash('sha1').update(bytes).digest().readBigUInt64BE(0);
}
