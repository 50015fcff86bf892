// What the guard of the beginning knows of a cluster, and what it can come to.
import type { Refusal } from '../../modules/module.ts';
import type { Found, Ledger, Marker } from '../ledger.ts';
import type { DeclaredMember, ListedMember } from '../members.ts';
import { quorumOf } from '../quorum.ts';
import type { MemberStatus } from '../status.ts';

/** What one host says of its member. */
export interface MemberSighting {
  /** The data directory has a member in it. */
  hasData: boolean;
  ledger?: Found<Ledger>;
  marker?: Found<Marker>;
  /** Of the member that runs there. */
  status?: MemberStatus;
  /** As that member lists them; absent where nobody asked. */
  members?: ListedMember[];
}

export interface Situation {
  cluster: string;
  declared: readonly DeclaredMember[];
  /** Hosts that may be written to. */
  targets: ReadonlySet<string>;
  /** By host; a host that cannot be asked is missing. */
  seen: ReadonlyMap<string, MemberSighting>;
  /** The controller's own. */
  ledger?: Found<Ledger>;
  /** In the way of a new cluster: see preflight. */
  obstacles: readonly Refusal[];
  /** In the way of anything: see preflight. */
  refusals: readonly Refusal[];
  /** For a bootstrap that begins now. */
  newToken: string;
  /** RFC 3339. */
  now: string;
}

export type Beginning =
  /** Nothing is there, and nobody remembers anything: a new, empty cluster is founded. */
  | { kind: 'bootstrap'; token: string }
  /** An earlier run has begun to found it: the same token gives the same ids. */
  | { kind: 'resume'; token: string }
  /** The cluster has been before; with `ledger`: what every host should have written down. */
  | { kind: 'known'; ledger: Ledger }
  /** It serves, and nobody has written it down yet. */
  | { kind: 'adopted'; ledger: Ledger }
  | { kind: 'refused'; refusal: Refusal };

export interface Judgement {
  beginning: Beginning;
  /** Of single members, while the others may go on. */
  refusals: Map<string, Refusal>;
}

export function refuse(refusal: Refusal): Judgement {
  return { beginning: { kind: 'refused', refusal }, refusals: new Map() };
}

export function isThere<T>(found: Found<T> | undefined): found is T {
  return found !== undefined && found !== 'damaged';
}

/** As a member that knows a leader has it. */
export function listOf({ seen }: Situation): ListedMember[] | undefined {
  return [...seen.values()].find((one) => one.members && one.status?.healthy)?.members;
}

export function isQuorate({ declared, seen }: Situation): boolean {
  const healthy = [...seen.values()].filter((one) => one.status?.healthy).length;
  return healthy >= quorumOf(declared.length);
}
