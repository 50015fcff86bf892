// What states declare for one host, after include, each and inventory/pillar; before facts.
import type { Attempt, Place } from '../failure.ts';
import type { AnyModule } from '../modules/module.ts';
import type { Value, ValueMap } from '../value.ts';

/** `require`, `watch`, `onchanges`, `onfail`: Salt's meanings. Ids are resolved: `state/id` as in Declaration.id. */
export interface Requisites {
  require: Reference[];
  watch: Reference[];
  onchanges: Reference[];
  onfail: Reference[];
}

/** A requisite as written, and the declarations it means (all resources of a state where it names a state). */
export interface Reference {
  text: string;
  ids: string[];
  place: Place;
}

/** `etcd`: the host's member, so it rolls behind the health gate; `apiserver`: the host's API server. */
export type Disruption = 'etcd' | 'apiserver';

export interface Declaration {
  /** Unique on a host: `kubernetes.etcd.configured/unit`, with `[key]` where `each` made it. Safe in a file name after encoding. */
  id: string;
  state: string;
  /** The cluster that it belongs to; absent on a host that is in none. */
  cluster?: string;
  module: AnyModule;
  /** Identity parameters, rendered. */
  identity: ValueMap;
  requisites: Requisites;
  /** Read-only commands that decide on the host whether the resource applies. */
  onlyif: string[];
  unless: string[];
  /** `cluster`: once per cluster, on the first healthy member. */
  scope: 'host' | 'cluster';
  /** What of the host it interrupts when it is written: hosts take turns. */
  disrupts?: Disruption;
  place: Place;
  /** Everything else, rendered with facts. `skip` when a `when` on facts is false. Parameters come with defaults, checked. */
  render(facts: ValueMap): Attempt<Wanted>;
}

export type Wanted = { skip: true } | { skip: false; want: ValueMap };

/** All of one host's declarations, in the order of the files. */
export interface HostDeclarations {
  host: string;
  declarations: Declaration[];
}

export interface ClusterContext {
  name: string;
  /** What runs its members is called so: `etcd`, or `etcd-events` for the cluster of events. */
  service: string;
  /** It carries the events of another cluster on the same hosts. */
  events: boolean;
  /** The API server's `--etcd-servers`: where all members serve clients. */
  etcd_servers: string;
  /** The API server's `--etcd-servers-overrides`; absent without a cluster of events. */
  etcd_servers_overrides?: string;
  /** Where each member's API server serves, as HOST:PORT. */
  api_servers: string[];
  /** The name under which each member's kubelet registers. */
  nodes: string[];
  members: { name: string; address: string; pillar: ValueMap; [key: string]: Value }[];
}

/** What templates and expressions may name, besides `facts`. */
export interface RenderContext {
  pillar: ValueMap;
  host: { name: string; address: string; groups: Value[]; vars: ValueMap; [key: string]: Value };
  cluster?: ClusterContext;
  /** What `pillar` and `cluster` are for the host's member of the cluster of events, where it has one. */
  events?: { pillar: ValueMap; cluster: ClusterContext };
}
