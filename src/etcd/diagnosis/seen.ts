// What `status` has seen of a cluster: one entry for each declared host, whatever it answered. The input of the judgement.
import type { Failure } from '../../failure.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { Found, Ledger } from '../ledger.ts';
import type { ListedMember } from '../members.ts';
import type { MemberStatus } from '../status.ts';

export interface SeenCluster {
  name: string;
  /** Every host of the cluster, in inventory order. */
  hosts: SeenHost[];
}

/** Whatever a host did not say is absent: it was not reached, or it hung before it could say it. */
export interface SeenHost {
  host: string;
  declared: DeclaredMember;
  /** Why it could not be asked, or not to the end. */
  failure?: Failure;
  clock?: SeenClock;
  /** The host's processes named etcd. */
  processes?: SeenProcess[];
  runtime?: SeenRuntime;
  member?: SeenMember;
  /** The members as its own member lists them. */
  list?: ListedMember[];
  certificates?: SeenCertificate[];
  /** The host's own record of the cluster that it belongs to. */
  ledger?: Found<Ledger>;
  /** Restores of the cluster that were begun there and are not at their end. */
  restores?: string[];
  data?: SeenData;
  hash?: SeenHash;
  /** A revision of another member that it has not reached, although it has applied all that was agreed on since. */
  lacks?: number;
}

/** From inventory and pillar alone. */
export interface DeclaredMember {
  name: string;
  peerUrl: string;
  /** What runs it is called so: `etcd`, or `etcd-events`. */
  service: string;
  clientPort: number;
  dataDir: string;
  /** Bytes; 0: etcd's own default. */
  quota: number;
  /** Bytes that must be free beside the data. */
  minFree: number;
  /** Seconds. */
  maxSkew: number;
  /** A certificate with fewer days left is to be renewed. */
  renewDays: number;
}

export interface SeenClock {
  /** Milliseconds, the host's clock against the controller's: above 0 it is ahead. */
  offset: number;
  /** Milliseconds that the offset may be wrong, either way. */
  uncertainty: number;
}

export interface SeenProcess {
  pid: number;
  /** As /proc/PID/stat has it; `T` is stopped, `D` waits for a disk. */
  state: string;
}

/** What is meant to run etcd on the host. */
export type SeenRuntime =
  | { kind: 'systemd'; loaded: boolean; active: string; sub: string; result: string; restarts: number }
  | { kind: 'static_pod'; manifest: string; present: boolean; kubelet: string };

/** What became of `etcdctl endpoint status`. */
export type SeenMember =
  | { state: 'answered'; status: MemberStatus }
  /** Nothing listens on its client port. */
  | { state: 'closed' }
  /** It listens, but etcdctl had no answer; in etcdctl's last words. */
  | { state: 'silent'; said: string }
  /** There is nothing on the host to ask it with: no etcdctl, or a missing file of those that etcdctl needs. */
  | { state: 'unasked'; missing: string; kind: 'etcdctl' | 'file' };

/** Whose it is and how long it holds; milliseconds since 1970. */
type SeenDates = Pick<Certificate, 'commonName' | 'notBefore' | 'notAfter'>;

export type SeenCertificate =
  | { file: string; state: 'read'; certificates: SeenDates[] }
  | { file: string; state: 'missing' | 'unreadable' };

export interface SeenData {
  /** `member/` is in the data directory. */
  member: boolean;
  /** Bytes on its file system; absent: the directory is not there. */
  free?: number;
  size?: number;
}

export interface SeenHash {
  revision: number;
  compactRevision: number;
  hash: number;
}

/** A host whose member has answered. */
export interface Answered {
  host: string;
  seen: SeenHost;
  status: MemberStatus;
}
