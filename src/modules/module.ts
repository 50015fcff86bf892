// The contract of a module: the pure functions behind one resource function such as `file.managed`.

import type { Beginning } from '../etcd/beginning/situation.ts';
import type { Found, Ledger } from '../etcd/ledger.ts';
import type { Attempt } from '../failure.ts';
import type { AuthorityKeeper } from '../pki/keeper.ts';
import type { KeyKeeper } from '../pki/key-keeper.ts';
import type { Part } from '../shell/program.ts';
import type { Value, ValueMap } from '../value.ts';

/** JSON Schema (draft 2020-12) of a module's parameters, with Quorate's own keywords. */
export interface ParameterSchema {
  type: 'object';
  description: string;
  properties: { [name: string]: ParameterProperty };
  required?: string[];
  additionalProperties: false;
  [keyword: string]: unknown;
}

export interface ParameterProperty {
  description: string;
  default?: unknown;
  examples?: unknown[];
  /** Needed to read the host, so it may use inventory and pillar only, never facts. */
  'x-identity'?: true;
  /** The path of a template file beside the state; the loader replaces it (see src/states). */
  'x-template'?: true;
  /** May carry a secret. A secret in any other parameter is an input error. */
  'x-sensitive'?: true;
  /** Is shell: a template in it must say with a format helper (`sh`, `plain`) how a value becomes a word. */
  'x-shell'?: true;
  [keyword: string]: unknown;
}

/** What one resource's reading printed. */
export interface Reading {
  /** The exit status of the read script. */
  status: number;
  stdout: Uint8Array;
  stderr: string;
  /** Of files that the program has printed all at once (see {@link Module.contents}), by their sha256. */
  contents?: ReadonlyMap<string, Uint8Array>;
}

/** One difference between what is and what is wanted. Secret values are Sensitive in `before` and `after`. */
export interface Change {
  /** What differs: `content`, `mode`, `active`, … */
  path: string;
  before: Value;
  after: Value;
  /** What `after` will be exists only once this is done: plans say `(known after stage N)` in its place. */
  later?: true;
  /** It writes down what is there and changes nothing of it: a plan that does only this has nothing to do. */
  record?: true;
}

/** The module saw something that it must not change, and says why and what to do. */
export interface Refusal {
  refused: string;
  next: string;
}

/** What etcd's members say of their cluster, from all members that could be asked. */
export interface ClusterView {
  name: string;
  members: MemberView[];
  /** Whether it is founded now, or has been before; absent where the pillar does not say where etcd is. */
  beginning?: Beginning;
  /** It has so few members that it stops while one is restarted, and that is agreed to (see src/engine/view.ts). */
  mayStop?: true;
}

export interface MemberView {
  host: string;
  reachable: boolean;
  /** Its etcd answers and knows a leader. */
  healthy: boolean;
  leader: boolean;
  /** It has no vote yet, so it does not count towards quorum. */
  learner?: boolean;
  memberId?: string;
  clusterId?: string;
  version?: string;
  /** As declared by inventory and pillar. */
  name?: string;
  peerUrl?: string;
  /** `10.0.0.1:2379`: where it serves clients. */
  client?: string;
  /** Raised in the cluster, in etcd's own words. */
  alarms?: string[];
  /** The run may write to its host. */
  target?: true;
  /** Why nothing may be written that would start this member, while the others may go on. */
  refusal?: Refusal;
}

/** What this controller keeps, as far as it concerns one host. */
export interface Controller {
  host: string;
  /** Absent: the host is in no cluster, and nothing is kept for it. */
  cluster?: {
    name: string;
    authorities: AuthorityKeeper;
    keys: KeyKeeper;
    /** What this controller has written down of it. */
    ledger(): Promise<Found<Ledger> | undefined>;
  };
}

/** The same resource on a member of the host's cluster, the host itself included. */
export interface Sibling<Seen> {
  host: string;
  /** Absent: nobody could find out. */
  seen?: Seen;
}

export interface WriteContext {
  run: string;
  /** Something this resource watches changes in this run, or did before a crash: react (restart, run). */
  react: boolean;
  /** As the plan saw it; absent for a host that is in no cluster. */
  cluster?: ClusterView;
}

/** `Id`: the identity parameters; `Want`: all parameters with defaults; `Seen`: what the host has. */
export interface Module<Id extends ValueMap = ValueMap, Want extends ValueMap = ValueMap, Seen = unknown> {
  name: `${string}.${string}`;
  schema: ParameterSchema;
  /** True for modules whose resources do something because of `watch` (a restart) even when they have no change. */
  reacts?: true;
  /** True where a write that succeeds has proved it (a gate that waited): reading it back would tell nothing. */
  proves?: true;
  /** True where a resource can only be said to be done because of a requisite (`onchanges`) or a guard parameter. */
  needsGuard?: true;
  /**
   * What this resource alone owns on a host (`file:/etc/x`): two owners of one thing are an input error. Undefined: it
   * owns nothing that another could.
   */
  claims(id: Id): string | undefined;
  /**
   * The script that reads the resource without changing anything. Its first line of output is the resource's
   * fingerprint: the text that must be the same when the write begins, else the host has moved.
   */
  read(id: Id): string;
  /** Paths that `read` reads as entries of the file system: those of all resources are looked up at once before it. */
  paths?(id: Id): string[];
  /** Those of `paths` that it reads with their content: a probe prints them all at once. */
  contents?(id: Id): string[];
  /**
   * True where `read` is content with the probe's own shell, and costs no process of its own there: it does not exit,
   * changes no setting of the shell, and sets nothing but names that begin with `q_`.
   */
  shared?: true;
  /**
   * Only for a reading whose status is 0: otherwise the resource has failed, and its stderr says why. Throws on what
   * `read` never prints.
   */
  parse(reading: Reading): Seen;
  /**
   * Completes `want` with what the controller already has, before every diff; makes nothing. A failure is the resource's
   * own result: refused if its reason is `guard`, else failed.
   */
  recall?(want: Want, controller: Controller, siblings: Sibling<Seen>[]): Promise<Attempt<Want>>;
  /** Changes to be made, in a fixed order; an empty list means converged. */
  diff(want: Want, seen: Seen, cluster: ClusterView | undefined): Change[] | Refusal;
  /** What an operator should know of a resource that is ok or to be changed: sentences for the top of the plan. */
  warn?(want: Want, seen: Seen): string[];
  /** What the host will have after success. */
  expect(want: Want, seen: Seen): Seen;
  /** The fingerprint line that `read` prints for `seen`. */
  fingerprint(seen: Seen): string;
  /**
   * Makes on the controller what the change needs and completes `want` with it: keys, certificates. Only an apply calls
   * it, right before `write`, and only for what nothing stands in the way of. Failures as in `recall`.
   */
  prepare?(want: Want, seen: Seen, changes: Change[], controller: Controller): Promise<Attempt<Want>>;
  write(want: Want, changes: Change[], context: WriteContext): WriteScript;
  /** For modules whose write itself says whether anything changed; `output` is its stdout. Absent: success is a change. */
  saysChange?(want: Want, output: string): boolean;
}

/** How a resource is brought about. The engine guards it (fingerprint, requisites) and journals it. */
export interface WriteScript extends Pick<Part, 'script' | 'inputs'> {}

/** A module whose types nobody outside needs to know. */
// biome-ignore lint/suspicious/noExplicitAny: the registry erases the three parameters, the engine never looks inside
export type AnyModule = Module<any, any, any>;
