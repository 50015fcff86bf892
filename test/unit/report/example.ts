// A run with a bit of everything in it, as the engine would tell it.
import type { HostCounts, Outcome, Report, Result, RunEvent } from '../../../src/engine/events.ts';
import type { Plan, PlanEntry } from '../../../src/engine/plan.ts';
import type { Failure } from '../../../src/failure.ts';
import type { Change } from '../../../src/modules/module.ts';
import { Sensitive } from '../../../src/sensitive.ts';

const STATE = 'kubernetes.etcd.configured';

function change(path: string, before: Change['before'], after: Change['after']): Change {
  return { path, before, after };
}

function entry(host: string, name: string, module: string, rest: Partial<PlanEntry> = {}): PlanEntry {
  const resource = `${STATE}/${name}`;
  return { host, resource, module, verdict: 'change', changes: [], reactsTo: [], commands: [], ...rest };
}

function environment(name: string): string {
  return `ETCD_NAME=${name}\nETCD_DATA_DIR=/var/lib/etcd\nETCD_INITIAL_CLUSTER_STATE=new\n`;
}

const REFUSED: Failure = {
  reason: 'quorum',
  message: 'interrupting m1 would break the quorum of cluster main: 3 voters, m3 down: tolerance 0 before, −1 after',
  next: 'bring back or replace m3 first, then run again',
};
const UNREACHABLE: Failure = {
  reason: 'unreachable',
  host: 'm3',
  message: 'no connection to 10.0.0.3 port 22 within 10 s',
  next: 'look whether it is up; -t masters:!m3 leaves it out',
};

export function examplePlan(): Plan {
  const entries: PlanEntry[] = ['m1', 'm2'].flatMap((host) => [
    entry(host, 'data', 'file.directory', {
      stage: 1,
      changes: [change('mode', '0755', '0700'), change('owner', null, 'etcd')],
    }),
    entry(host, 'environment', 'file.managed', {
      stage: 1,
      changes: [change('content', environment(host).replace('new', 'existing'), environment(host))],
    }),
    entry(host, 'client-key', 'file.managed', {
      stage: 1,
      changes: [change('content', new Sensitive('old key\n'), new Sensitive('new key\n'))],
    }),
    entry(host, 'etcd', 'service.running', {
      ...(host === 'm2' ? { stage: 2, disrupts: 'etcd' as const } : { verdict: 'refused', why: REFUSED }),
      changes: host === 'm2' ? [change('active', false, true)] : [],
      reactsTo: host === 'm2' ? [`${STATE}/environment`, `${STATE}/environment`].slice(0, 1) : [],
    }),
    entry(host, 'format', 'command.run', { verdict: 'ok', commands: ['unless: test -e /var/lib/etcd/member'] }),
    entry(host, 'tuned', 'file.managed', {
      verdict: 'skipped',
      why: { reason: 'guard', message: 'its `when` is not true here' },
    }),
  ]);
  entries.push(
    entry('m1', 'manifest', 'file.managed', {
      stage: 2,
      changes: [change('content', null, 'apiVersion: v1\nkind: Pod'), change('mode', null, '0600')],
    }),
    entry('m1', 'health', 'command.run', {
      verdict: 'blocked',
      why: { reason: 'guard', message: `it requires ${STATE}/etcd on m1, which is refused`, next: 'mend m1 first' },
    }),
    ...['data', 'environment', 'etcd'].map((name) =>
      entry('m3', name, 'file.managed', { verdict: 'unreachable', why: UNREACHABLE }),
    ),
  );
  return {
    run: '20300102T030405Z-ab12',
    states: [STATE],
    targets: ['m1', 'm2', 'm3'],
    entries,
    stages: [
      { number: 1, steps: new Map(), disrupts: [] },
      { number: 2, steps: new Map(), disrupts: [{ host: 'm2', cluster: 'main', what: 'etcd' }] },
    ],
    clusters: [{ name: 'main', members: [{ host: 'm1', reachable: true, healthy: true, leader: true }] }],
    hosts: new Map([
      ['m1', { host: 'm1', target: true, facts: { os: 'debian' } }],
      ['m2', { host: 'm2', target: true }],
      ['m3', { host: 'm3', target: true, failure: UNREACHABLE }],
    ]),
    notes: ['creates a NEW, EMPTY cluster: main'],
  };
}

function countsOf(numbers: Partial<HostCounts> = {}): HostCounts {
  return { ok: 0, changed: 0, failed: 0, blocked: 0, skipped: 0, refused: 0, unreachable: 0, programs: 1, ...numbers };
}

function result(host: string, name: string, outcome: Outcome, rest: Partial<Result> = {}): Result {
  return {
    host,
    resource: `${STATE}/${name}`,
    module: 'file.managed',
    outcome,
    predicted: [],
    actual: [],
    ms: 3.4,
    ...rest,
  };
}

export function exampleReport(): Report {
  const script: Failure = {
    reason: 'script',
    host: 'm1',
    resource: `${STATE}/etcd`,
    message: 'ended with status 1: Job for etcd.service failed',
    next: 'mend the cause on the host, then run again',
  };
  return {
    run: '20300102T030405Z-ab12',
    command: 'apply',
    outcome: 'failed',
    hosts: new Map([
      ['m1', countsOf({ ok: 38, changed: 1, failed: 1, blocked: 1, programs: 4 })],
      ['m2', countsOf({ ok: 38, failed: 1, skipped: 1, programs: 4 })],
      ['m3', countsOf({ unreachable: 41, programs: 0 })],
    ]),
    results: [
      result('m1', 'environment', 'changed', {
        predicted: [change('mode', '0644', '0600')],
        actual: [change('mode', '0644', '0600')],
      }),
      result('m1', 'etcd', 'failed', { why: script }),
      result('m2', 'etcd', 'failed', { why: { ...script, host: 'm2' } }),
      result('m1', 'health', 'blocked', {
        why: { reason: 'guard', message: 'something it requires failed just before', next: 'mend that first' },
      }),
      result('m2', 'tuned', 'skipped'),
    ],
    failures: [UNREACHABLE],
    journal: '/root/.local/state/quorate/runs/20300102T030405Z-ab12',
    ms: 4230,
  };
}

/** Every kind of event there is, with the plan and the report above. */
export function exampleEvents(plan: Plan = examplePlan(), report: Report = exampleReport()): RunEvent[] {
  const at = new Date('2030-01-02T03:04:05.678Z');
  const hosts = ['m1', 'm2'];
  return [
    { type: 'run-started', at, run: plan.run, command: 'apply', states: plan.states, targets: plan.targets },
    { type: 'host-connecting', at, host: 'm1' },
    { type: 'host-connected', at, host: 'm1', ms: 117 },
    { type: 'host-failed', at, host: 'm3', failure: UNREACHABLE },
    { type: 'lock-waiting', at, cluster: 'main', holder: 'ada on laptop', seconds: 30 },
    { type: 'host-probed', at, host: 'm1', resources: 41, ms: 250 },
    { type: 'planned', at, plan },
    { type: 'stage-started', at, stage: 1, stages: 2, hosts },
    { type: 'gate-waiting', at, host: 'm2', cluster: 'main', why: '2 of 3 voters are healthy' },
    { type: 'gate-passed', at, host: 'm2', cluster: 'main', ms: 1800 },
    { type: 'resource-started', at, host: 'm1', resource: `${STATE}/etcd`, stage: 1 },
    ...report.results.map((each): RunEvent => ({ type: 'resource-finished', at, stage: 1, result: each })),
    { type: 'stage-finished', at, stage: 1, ms: 900 },
    { type: 'proving', at, hosts },
    { type: 'interrupting', at, where: 'after the stage that runs now; once more: at once' },
    { type: 'run-finished', at, report },
  ];
}
