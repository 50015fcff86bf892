// Which hosts there are, in which groups and clusters.
import type { Place } from '../failure.ts';
import type { Sensitive } from '../sensitive.ts';
import type { ValueMap } from '../value.ts';

export interface Host {
  name: string;
  /** `ansible_host`, else the name. Where ssh connects to, and what peers are told. */
  address: string;
  /** `ansible_port`; absent: what ~/.ssh/config says, else 22. */
  port?: number;
  /** `ansible_user`; absent: what ~/.ssh/config says, else the local user. */
  user?: string;
  /** `ansible_become`: commands run through sudo. */
  become: boolean;
  /** `ansible_become_user`, default root. */
  becomeUser: string;
  /** `ansible_become_password`: sent to sudo's own prompt only. */
  becomePassword?: Sensitive<string>;
  /** `ansible_ssh_private_key_file`. */
  identityFile?: string;
  /** From `-o UserKnownHostsFile=…` in `ansible_ssh_common_args`; absent: what ~/.ssh/config says. */
  knownHostsFile?: string;
  /** `-J`/`ProxyJump` from `ansible_ssh_common_args`. */
  proxyJump?: string;
  /** Every other variable, merged by Ansible's precedence. Visible to templates as `host.vars`. */
  vars: ValueMap;
  /** Every group the host is in, outermost first, without `all` and `ungrouped`. */
  groups: string[];
  /** The cluster whose member it is, if any. A host is a member of one cluster at most. */
  cluster?: string;
  place: Place;
}

export interface Cluster {
  name: string;
  /** The group that carries `etcd_cluster`. */
  group: string;
  /** Names of all hosts of that group, in inventory order: also those outside the target. */
  members: string[];
  /** Hosts that a restore does without, by the etcd cluster whose members they are no more: see src/engine/left-out.ts. */
  leftOut?: ReadonlyMap<string, readonly string[]>;
  place: Place;
}

export interface Inventory {
  /** In the order of the file. */
  hosts: Map<string, Host>;
  /** Group name → names of all its hosts, its children's included. Contains `all` and `ungrouped`. */
  groups: Map<string, string[]>;
  clusters: Map<string, Cluster>;
  /** The files it came from, with the sha256 of each: what a saved plan is bound to. */
  sources: Source[];
}

/** A file that the run was loaded from. */
export interface Source {
  file: string;
  sha256: string;
}
