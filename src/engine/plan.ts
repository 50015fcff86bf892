// What a run is going to do, with the reason for each step: the same value for a dry run and an apply.

import type { Failure } from '../failure.ts';
import type { Stage } from '../graph/graph.ts';
import type { Change, ClusterView } from '../modules/module.ts';
import type { Declaration, Disruption } from '../states/declaration.ts';
import type { ValueMap } from '../value.ts';

/** Nothing of a plan can write: programs are made by apply, from the same wanted and seen values. */
export interface Plan {
  run: string;
  /** What was asked: state names. */
  states: string[];
  /** Hosts that may be written to, in inventory order. */
  targets: string[];
  entries: PlanEntry[];
  stages: Stage[];
  clusters: ClusterView[];
  hosts: Map<string, PlannedHost>;
  /** Sentences that the operator should read before saying yes. */
  notes: string[];
}

/** The view of the cluster that a resource belongs to. */
export function viewsOf({ clusters }: Plan): (declaration: Declaration) => ClusterView | undefined {
  const views = new Map(clusters.map((view) => [view.name, view]));
  return ({ cluster }) => (cluster === undefined ? undefined : views.get(cluster));
}

/** It only writes down what is there. */
export function onlyRecords({ verdict, changes, reactsTo }: PlanEntry): boolean {
  return verdict === 'change' && changes.length > 0 && reactsTo.length === 0 && changes.every(({ record }) => record);
}

export interface PlannedHost {
  host: string;
  /** In the target; others are members of a target's cluster, which are only asked. */
  target: boolean;
  facts?: ValueMap;
  /** Why it could not be asked. */
  failure?: Failure;
}

export interface PlanEntry {
  /** The host it runs on. */
  host: string;
  /** Declaration id. */
  resource: string;
  module: string;
  /**
   * `ok`: converged. `change`: something to do. `skipped`: a `when`, `onlyif`, `unless` or `onchanges` says no.
   * `refused`: a guard says no. `blocked`: something it requires is refused, unreachable or failed.
   * `unreachable`: its host cannot be asked. `failed`: it could not be rendered or read.
   */
  verdict: 'ok' | 'change' | 'skipped' | 'refused' | 'blocked' | 'unreachable' | 'failed';
  changes: Change[];
  /** It reacts to a change of these resources (`watch`), or to one that an earlier run recorded and did not finish. */
  reactsTo: string[];
  /** From 1; only with verdict `change`. */
  stage?: number;
  disrupts?: Disruption;
  /** Read-only commands that the author promised: shown, because they run in every plan. */
  commands: string[];
  why?: Failure;
}
