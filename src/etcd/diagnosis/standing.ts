// Each member as it stands: what inventory, member list and hosts say of it, in one row.
import type { Ledger } from '../ledger.ts';
import type { ListedMember } from '../members.ts';
import type { MemberStatus } from '../status.ts';
import type { SeenCluster, SeenHost } from './seen.ts';

/** How a member stands, from the best to what is not known at all. */
export type StandingState =
  /** It answers and knows a leader. */
  | 'serving'
  /** It answers, but knows no leader. */
  | 'leaderless'
  /** It answers as a member of another cluster than the others. */
  | 'foreign'
  /** Its host answers, and no etcd serves there. */
  | 'down'
  /** Its etcd listens and does not answer. */
  | 'silent'
  /** Nobody could ask it: the host is out of reach, or has nothing to ask with. */
  | 'unknown';

export interface Standing {
  /** Absent: the member list has it, the inventory does not. */
  host?: string;
  seen?: SeenHost;
  status?: MemberStatus;
  listed?: ListedMember;
  state: StandingState;
  /** It says so itself, or, where it could not be asked, another member does. */
  leader: boolean;
  voter: boolean;
}

/** A cluster with its members matched, and the arithmetic that follows. */
export interface Standings {
  cluster: SeenCluster;
  /** Of the cluster that the most stands behind; absent: no member has answered. */
  clusterId?: string;
  /** Where the voters are known from: a list of the members' own, or the inventory alone. */
  votersFrom: 'list' | 'inventory';
  /** The declared hosts in inventory order, then members that only the list has. */
  members: Standing[];
  voters: number;
  /** Voters that were seen to serve. */
  healthy: number;
  quorum: number;
  /**
   * Whether a quorum serves: `yes` as soon as one member knows a leader (a leader without a quorum steps down within an
   * election timeout), `unknown` while those that could not be asked could be a quorum by themselves, else `no`.
   */
  serves: 'yes' | 'no' | 'unknown';
}

/** Absent where there is none, or none that can be read. */
export function ledgerOf({ ledger }: SeenHost): Ledger | undefined {
  return ledger === 'damaged' ? undefined : ledger;
}

export function statusOf(seen: SeenHost): MemberStatus | undefined {
  return seen.member?.state === 'answered' ? seen.member.status : undefined;
}

/** The ledger of the cluster that counts remembers whom its restore has done without; one that the cluster lists is back. */
export function isLeftOut({ host, listed }: Standing, { cluster, clusterId }: Standings): boolean {
  if (host === undefined || listed) return false;
  const ledgers = cluster.hosts.map(ledgerOf).filter((ledger) => ledger?.clusterId === clusterId);
  return ledgers.some((ledger) => ledger?.restored?.without?.includes(host));
}
