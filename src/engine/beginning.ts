// From what hosts and controller say to the judgement on each cluster's beginning, and the notes that a plan carries.
import { judgeBeginning } from '../etcd/beginning/judge.ts';
import type { Beginning, MemberSighting } from '../etcd/beginning/situation.ts';
import { type Found, type Ledger, ledgerFile } from '../etcd/ledger.ts';
import { type HostPreflight, preflight } from '../etcd/preflight.ts';
import type { Graph } from '../graph/graph.ts';
import type { ClusterView, Refusal } from '../modules/module.ts';
import { eventsClusterOf } from '../pillar/events.ts';
import { BACKDATED_MS } from '../pki/issue.ts';
import type { ValueMap } from '../value.ts';
import { refuseBinding } from './bind.ts';
import { clustersOf, type EtcdCluster, etcdClusters, memberPillar } from './clusters.ts';
import { declaredMembers } from './declared.ts';
import type { Loaded } from './load.ts';
import type { Findings } from './make-plan.ts';
import type { Probe } from './probe.ts';
import { refuseOtherRunner } from './runtime.ts';

/** What the controller brings to the judgement, by cluster. */
export interface Knowledge {
  ledgers: ReadonlyMap<string, Found<Ledger>>;
  /** The token of a bootstrap that would begin now: the same however often it is asked in one run. */
  newToken(cluster: string): string;
  /** RFC 3339. */
  now: string;
}

/** The judgement on one cluster, and what the plan says about it. */
export interface ClusterJudgement {
  beginning: Beginning;
  /** By host. */
  refusals: ReadonlyMap<string, Refusal>;
  notes: string[];
}

export type Judgements = ReadonlyMap<string, ClusterJudgement>;

/** Clusters of the run whose hosts were asked about their beginning. */
function judgeClusters(
  loaded: Pick<Loaded, 'inventory' | 'pillars' | 'hosts' | 'targets' | 'graph'>,
  probes: ReadonlyMap<string, Probe>,
  knowledge: Knowledge,
): Judgements {
  const judgements = new Map<string, ClusterJudgement>();
  for (const cluster of etcdClusters(loaded).values()) {
    if (!cluster.members.some((host) => loaded.hosts.includes(host))) continue;
    const seen = sightingsOf(cluster, probes);
    const ledger = knowledge.ledgers.get(cluster.name);
    const hosts = cluster.members.flatMap((host) =>
      hostPreflight(host, memberPillar(loaded, host, cluster), probes.get(host), cluster.name),
    );
    // Nothing is known of etcd on any of its hosts: this run is about something else.
    if (hosts.length === 0 && ledger === undefined) continue;
    const checks = preflight(hosts);
    const strays = new Map([
      ...refuseBindings(cluster, loaded, probes),
      ...refuseForgottenEvents(cluster, probes),
      ...refuseOtherRunners(cluster, loaded, probes),
    ]);
    const { beginning, refusals } = judgeBeginning({
      cluster: cluster.name,
      declared: declaredMembers(loaded, cluster),
      targets: new Set(loaded.targets),
      seen,
      ...(ledger === undefined ? {} : { ledger }),
      obstacles: [...checks.obstacles, ...strays.values()],
      refusals: [...refuseOpenRestores(cluster, loaded, probes), ...checks.refusals],
      newToken: knowledge.newToken(cluster.name),
      now: knowledge.now,
    });
    const ahead = beginning.kind === 'bootstrap' || beginning.kind === 'resume';
    const warnings = [...checks.warnings, ...(ahead ? [] : checks.obstacles.map(({ refused }) => refused))];
    const news = isGuarded(loaded.graph, cluster.name) ? newsOf(cluster.name, beginning) : [];
    judgements.set(cluster.name, {
      beginning,
      refusals: new Map([...strays, ...refusals]),
      notes: [...news, ...warnings],
    });
  }
  return judgements;
}

/** What the hosts said, with the judgement on what it means for each cluster, and `facts.etcd` for their templates. */
export function judge(loaded: Loaded, { probes, failures }: Findings, knowledge: Knowledge): Findings {
  return withEtcdFacts(loaded, { probes, failures, judgements: judgeClusters(loaded, probes, knowledge) });
}

/** The same with `facts.etcd` as the judgements have it: each cluster's for its own resources, the inventory's for the host. */
export function withEtcdFacts(loaded: Pick<Loaded, 'inventory' | 'pillars'>, found: Findings): Findings {
  const probes = [...found.probes].map(([host, probe]): [string, Probe] => {
    const members = new Map(probe.members);
    let facts = probe.facts;
    for (const { name, eventsOf } of clustersOf(loaded, host)) {
      const judgement = found.judgements?.get(name);
      if (!judgement) continue;
      const etcd = etcdFacts(judgement.beginning);
      members.set(name, { ...members.get(name), facts: etcd });
      if (eventsOf === undefined) facts = { ...facts, etcd };
    }
    return [host, { ...probe, facts, members }];
  });
  return { ...found, probes: new Map(probes) };
}

/** `facts.etcd` of a host: whether its member founds a cluster (`new`, with the token) or joins one (`existing`). */
function etcdFacts(beginning: Beginning): ValueMap {
  switch (beginning.kind) {
    case 'bootstrap':
    case 'resume':
      return { initial_state: 'new', token: beginning.token };
    case 'known':
    case 'adopted':
      return { initial_state: 'existing', token: beginning.ledger.token ?? '' };
    case 'refused':
      return { initial_state: 'existing', token: '' };
  }
}

/** This run founds it: its `new` becomes `existing` once it serves, in a second round. */
export function isFounded(graph: Graph, { name, beginning }: ClusterView): boolean {
  return (beginning?.kind === 'bootstrap' || beginning?.kind === 'resume') && isGuarded(graph, name);
}

/** Whether the run touches etcd at all: only what requires the guard writes `new`, or a ledger. */
function isGuarded({ nodes }: Graph, cluster: string): boolean {
  return [...nodes.values()].some((node) => node.cluster === cluster && node.declaration.module.name === 'etcd.member');
}

/** What the members of a cluster should have written down, where that is certain. */
export function ledgerOf({ beginning }: ClusterView): Ledger | undefined {
  return beginning?.kind === 'known' || beginning?.kind === 'adopted' ? beginning.ledger : undefined;
}

function sightingsOf(cluster: EtcdCluster, probes: ReadonlyMap<string, Probe>): Map<string, MemberSighting> {
  return new Map(
    cluster.members.flatMap((host): [string, MemberSighting][] => {
      const { guard, status } = probes.get(host)?.members.get(cluster.name) ?? {};
      if (!guard) return [];
      return [[host, { ...guard, ...(status ? { status } : {}) }]];
    }),
  );
}

/** Nobody would look after its events cluster any more, and an API server that is not told to ask it has lost all events. */
function refuseForgottenEvents(cluster: EtcdCluster, probes: ReadonlyMap<string, Probe>): Map<string, Refusal> {
  const name = eventsClusterOf(cluster.name);
  const refusal = (host: string): Refusal => ({
    refused: `${host} is a member of ${name}, the events cluster of ${cluster.name}, but etcd_events is false`,
    next: `set etcd_events: true; or, to give its events up, first take --etcd-servers-overrides away from every API server, then on every member stop it (docs/etcd.md), and move ${ledgerFile(name)} aside`,
  });
  return new Map(
    cluster.members
      .filter((host) => probes.get(host)?.members.get(cluster.name)?.guard?.forgottenEvents)
      .map((host) => [host, refusal(host)]),
  );
}

/**
 * What a restore has stopped may be meant to be down, and its data about to be moved: only its own steps go on. A host
 * that was away at its end still has it open, so one that says its end speaks for all.
 */
function refuseOpenRestores(
  cluster: EtcdCluster,
  loaded: Pick<Loaded, 'inventory' | 'pillars'>,
  probes: ReadonlyMap<string, Probe>,
): Refusal[] {
  const guards = cluster.members.flatMap((host) => probes.get(host)?.members.get(cluster.name)?.guard ?? []);
  const ended = new Set(guards.flatMap(({ endedRestores }) => endedRestores ?? []));
  const own = memberPillar(loaded, cluster.members[0]!, cluster).etcd_restore_run;
  const open = new Set(guards.flatMap(({ openRestores }) => openRestores ?? []));
  return [...open]
    .filter((run) => run !== own && !ended.has(run))
    .map((run) => ({
      refused: `the restore ${run} of cluster ${cluster.name} was begun and is not at its end: what is down may be so on purpose`,
      next: `go on with it (\`quorate resume ${run} -t GROUP\`) or take it back (\`quorate undo ${run} -t GROUP --confirm ${cluster.name}\`), with the whole group of the cluster`,
    }));
}

/** Of single members: a change of the runtime goes through the cluster one host at a time. */
function refuseOtherRunners(
  cluster: EtcdCluster,
  { pillars }: Pick<Loaded, 'pillars'>,
  probes: ReadonlyMap<string, Probe>,
): Map<string, Refusal> {
  return new Map(
    cluster.members.flatMap((host): [string, Refusal][] => {
      const runner = probes.get(host)?.members.get(cluster.name)?.guard?.otherRunner;
      return runner === undefined ? [] : [[host, refuseOtherRunner(host, pillars.of(host).data, runner)]];
    }),
  );
}

/** Of single members too: the others listen where they are looked for. */
function refuseBindings(
  cluster: EtcdCluster,
  { inventory, pillars }: Pick<Loaded, 'inventory' | 'pillars'>,
  probes: ReadonlyMap<string, Probe>,
): Map<string, Refusal> {
  return new Map(
    cluster.members.flatMap((host): [string, Refusal][] => {
      const facts = probes.get(host)?.facts;
      if (!facts) return [];
      const pillar = pillars.of(host);
      const place = pillar.origins(['bind_interface'])[0]?.place;
      const refusal = refuseBinding(inventory.hosts.get(host)!, pillar.data, facts, place);
      return refusal ? [[host, refusal]] : [];
    }),
  );
}

const LEAST_FREE_BYTES = 2 * 2 ** 30;
const MOST_CLOCK_SKEW_SECONDS = 1;

function hostPreflight(host: string, pillar: ValueMap, probe: Probe | undefined, cluster: string): HostPreflight[] {
  const { guard, status } = probe?.members.get(cluster) ?? {};
  if (!probe || !guard) return [];
  const { hasData, freeBytes, busyPorts, installed } = guard;
  const { etcd_min_free_bytes: least, etcd_max_clock_skew: skew, etcd_version: version, etcd_pki: pki } = pillar;
  const wanted = typeof version === 'string' ? version : installed;
  return [
    {
      host,
      hasData,
      busyPorts,
      leastFreeBytes: typeof least === 'number' ? least : LEAST_FREE_BYTES,
      mostClockSkew: typeof skew === 'number' ? skew : MOST_CLOCK_SKEW_SECONDS,
      ...(pki === 'managed' ? { mostBehind: BACKDATED_MS / 1000 } : {}),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      ...(probe.clock ? { clock: probe.clock } : {}),
      ...(status ? { running: status.version } : {}),
      ...(wanted === undefined ? {} : { wanted }),
    },
  ];
}

function newsOf(cluster: string, beginning: Beginning): string[] {
  const rolls = 'once it serves, `new` becomes `existing` on one member at a time, in this same run';
  switch (beginning.kind) {
    case 'bootstrap':
      return [`creates a NEW, EMPTY cluster ${cluster} (token ${beginning.token}); ${rolls}`];
    case 'resume':
      return [`goes on creating cluster ${cluster}, which an earlier run began (token ${beginning.token}); ${rolls}`];
    case 'adopted':
      return [
        `cluster ${cluster} (${beginning.ledger.clusterId}) serves and nobody knows it yet: the first apply writes it down (${ledgerFile(cluster)})`,
      ];
    default:
      return [];
  }
}
