// Every reason why a cluster may not go back to a snapshot, each on its own; and none where nothing stands in the way.
import { expect, it, test } from 'vitest';
import type { Probe } from '../../../../src/engine/probe.ts';
import { judgeRestore, type RestoreCase } from '../../../../src/engine/restore/judge.ts';
import { revisionsSince } from '../../../../src/engine/restore/loss.ts';
import type { HostSurvey } from '../../../../src/engine/restore/survey.ts';
import type { Ledger } from '../../../../src/etcd/ledger.ts';
import type { Receipt } from '../../../../src/etcd/snapshot/receipt.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const SHA = 'f'.repeat(64);
const LEDGER: Ledger = { cluster: 'main', clusterId: 'c1', members: [], at: 'then' };
const RECEIPT = {
  cluster: { name: 'main', id: 'c1' },
  time: '2026-01-02T03:00:00Z',
  etcdVersion: '3.5.30',
} as Receipt;

function probes(healthy: string[] = [], ledger: Ledger | undefined = LEDGER): Map<string, Probe> {
  return new Map(
    HOSTS.map((host) => {
      const status = healthy.includes(host) ? { healthy: true, clusterId: 'c1' } : undefined;
      const member = { guard: { hasData: true, busyPorts: [], ledger }, status };
      return [host, { members: new Map([['main', member]]) } as unknown as Probe];
    }),
  );
}

function survey(change: Partial<HostSurvey> = {}): HostSurvey {
  return {
    restores: [],
    programs: new Map([['etcdutl', { path: '/usr/local/bin/etcdutl', version: '3.5.30' }]]),
    freeForData: 10 * 2 ** 30,
    freeForSnapshot: 10 * 2 ** 30,
    ...change,
  };
}

function judge(change: Partial<RestoreCase> = {}) {
  return judgeRestore({
    cluster: { name: 'main', members: HOSTS, service: 'etcd' } as never,
    targets: new Set(HOSTS),
    probes: probes(),
    failures: new Map(),
    surveys: new Map(HOSTS.map((host) => [host, survey()])),
    pillar: () => ({ etcd_version: '3.5.30', etcd_bin_dir: '/usr/local/bin', restore_generation: 1 }),
    ledger: LEDGER,
    snapshot: { sha256: SHA, size: 2 ** 30 },
    receipt: RECEIPT,
    maxAge: undefined,
    now: new Date('2026-01-02T04:00:00Z'),
    overHealthy: false,
    without: [],
    leftOut: new Map(),
    ...change,
  });
}

it('lets a cluster without a quorum go back to a snapshot of its own', () => {
  expect(judge()).toEqual({ refusals: [], warnings: [], generation: 1, serving: [] });
  expect(judge({ probes: probes(['m3']) }).refusals).toEqual([]);
  expect(judge({ receipt: undefined }).refusals).toEqual([]);
});

const on = (host: string, change: Partial<HostSurvey>) =>
  new Map(HOSTS.map((each) => [each, survey(each === host ? change : {})]));

test.each<[what: string, change: Partial<RestoreCase>, refused: RegExp]>([
  ['a part of the cluster', { targets: new Set(['m1', 'm2']) }, /only as a whole, and m3 is outside the target/],
  [
    'a host that cannot be asked',
    {
      probes: new Map([...probes()].slice(0, 2)),
      failures: new Map([['m3', { reason: 'unreachable', message: 'no route' } as const]]),
    },
    /^it cannot be asked, and its member could come back with the old data: no route$/,
  ],
  [
    'a quorum that serves',
    { probes: probes(['m2', 'm3']) },
    /^m2, m3 still answer, and have a quorum: cluster main lives/,
  ],
  [
    'the snapshot of events',
    { receipt: { ...RECEIPT, cluster: { name: 'main-events', id: 'c1' } } },
    /is of the cluster main-events by its receipt, and main is to be restored/,
  ],
  [
    'a foreign lineage',
    { receipt: { ...RECEIPT, cluster: { name: 'main', id: 'c9' } } },
    /of the cluster c9 by its receipt, which main has never been \(c1\)/,
  ],
  ['one that is too old', { maxAge: 600 }, /is 60 minutes old, and --max-age allows 10/],
  ['one that is only just too old', { maxAge: 3590 }, /is 60 minutes old, and --max-age allows 59\.83$/],
  ['one of unknown age', { maxAge: 600, receipt: undefined }, /no receipt says how old/],
  [
    'another restore that is not at its end',
    { surveys: on('m2', { restores: [{ run: 'r7', record: undefined, released: false }] }) },
    /^the restore r7 was begun here and is not at its end$/,
  ],
  [
    'a full disk',
    { surveys: on('m2', { freeForData: 2 ** 30 }) },
    /data directory is on a disk with 1024 MiB free, and 1287 MiB/,
  ],
  [
    'no room for the snapshot',
    { surveys: on('m2', { freeForSnapshot: 2 ** 30 }) },
    /^\/var\/lib\/quorate is on a disk with/,
  ],
  [
    'a snapshot of another minor version',
    { receipt: { ...RECEIPT, etcdVersion: '3.4.23' } },
    /the snapshot is of etcd 3\.4, and etcd_version is 3\.5\.30/,
  ],
  [
    'an adopted unit of another user, who could not read what is restored',
    {
      surveys: on('m2', { user: 'nobody' }),
      pillar: () => ({ etcd_version: '3.5.30', etcd_configuration: 'adopted', etcd_runtime: 'systemd' }),
    },
    /^etcd\.service runs etcd as nobody, and restored data is the user etcd's/,
  ],
  ['no program that restores', { surveys: on('m2', { programs: new Map() }) }, /^it has no etcdutl of its own/],
  [
    'a program that ends with its container',
    {
      surveys: on('m2', {
        programs: new Map([['etcdutl', { path: '/proc/7/root/usr/local/bin/etcdutl', version: '3.5.30' }]]),
      }),
    },
    /^it has no etcdutl of its own/,
  ],
  [
    'a program of another minor version',
    { surveys: on('m2', { programs: new Map([['etcdutl', { path: '/x', version: '3.6.1' }]]) }) },
    /^etcd 3\.5 is to be restored, and its etcdutl is 3\.6\.1$/,
  ],
])('refuses %s, and says what to do', (_what, change, refused) => {
  const { refusals } = judge(change);
  expect([...new Set(refusals.map(({ message }) => message))]).toEqual([expect.stringMatching(refused)]);
  for (const { reason, next } of refusals) expect([reason, next]).toEqual(['guard', expect.any(String)]);
});

it('goes over a cluster that serves only where that is meant', () => {
  expect(judge({ probes: probes(['m1', 'm2']), overHealthy: true })).toMatchObject({
    refusals: [],
    serving: ['m1', 'm2'],
  });
});

it('knows a lineage by what was taken back too, and by a member that serves', () => {
  const undone = { ...LEDGER, clusterId: 'c0', undone: ['c1'] };
  expect(judge({ ledger: undone, probes: probes([], undone) }).refusals).toEqual([]);
  const other = { ...LEDGER, clusterId: 'c0' };
  expect(judge({ ledger: other, probes: probes(['m1'], other) }).refusals).toEqual([]);
});

it('never takes a generation twice for the same snapshot', () => {
  const restored = (sha256: string, generation: number): Ledger => ({
    ...LEDGER,
    restored: { sha256, generation, former: [] },
  });
  expect(judge({ ledger: restored(SHA, 1) }).generation).toBe(2);
  expect(judge({ ledger: restored('0'.repeat(64), 4) }).generation).toBe(1);
  expect(judge({ probes: probes([], restored(SHA, 5)) }).generation).toBe(6);
  expect(judge({ pillar: () => ({ etcd_version: '3.5.30', restore_generation: 9 }) }).generation).toBe(9);
});

test.each([
  [169, 169, 0],
  [211, 169, 42],
  [1_000_000_169, 169, 0],
  [1_000_000_172, 169, 3],
])('at revision %d, %d revisions after the snapshot, %d were written', (now, then, written) => {
  expect(revisionsSince(now, then)).toBe(written);
});

const EVENTS = { name: 'main-events', members: HOSTS, service: 'etcd-events', eventsOf: 'main' } as never;
const kinds = (...names: string[]) => ({
  receipt: undefined,
  snapshot: { sha256: SHA, size: 9, prefixes: Object.fromEntries(names.map((name) => [name, 1])) },
});

test.each<[what: string, change: Partial<RestoreCase>, refused: RegExp | undefined]>([
  [
    'pods to events',
    { ...kinds('/registry/events', '/registry/pods'), cluster: EVENTS },
    /has keys of \/registry\/pods/,
  ],
  ['events to events', { ...kinds('/registry/events', '/quorate/canary'), cluster: EVENTS }, undefined],
  ['events to main', kinds('/registry/events', '/quorate/canary'), /has nothing but events/],
  ['both to main', kinds('/registry/events', '/registry/pods'), undefined],
  ['neither', kinds('/calico/ipam'), undefined],
])('without a receipt a snapshot is known by its keys: %s', (_what, change, refused) => {
  const { refusals } = judge(change);
  expect(refusals.map(({ message }) => message)).toEqual(refused ? [expect.stringMatching(refused)] : []);
});

const REST = { cluster: { name: 'main', members: ['m1', 'm2'], service: 'etcd' } as never, without: ['m3'] };
const ONE = { cluster: { name: 'main', members: ['m1'], service: 'etcd' } as never, without: ['m2', 'm3'] };

it('names --without as the way on without a host that cannot be asked', () => {
  const { refusals } = judge({ probes: new Map([...probes()].slice(0, 2)) });
  expect(refusals.map(({ host, next }) => [host, next])).toEqual([['m3', expect.stringContaining('--without m3')]]);
});

it('says of hosts that are left out what they may do when they come back, and of what is left how little it tolerates', () => {
  expect(judge(REST).refusals).toEqual([]);
  expect(judge(REST).warnings).toEqual([
    expect.stringMatching(/^m3 is left out: no member of the restored cluster; its old data can never join it$/),
    expect.stringMatching(/^should it come back, let neither etcd nor an API server run there/),
    expect.stringMatching(/^2 voters are left/),
  ]);
  expect(judge(ONE).warnings).toEqual([
    expect.stringMatching(/^m2, m3 are left out/),
    expect.stringMatching(/^m2, m3 were enough for a quorum .* together they serve the old data/),
  ]);
});

test.each<[what: string, change: Partial<RestoreCase>, refused: RegExp]>([
  [
    'can be reached while its etcd runs',
    { leftOut: new Map([['m3', ['etcd', 'etcd.service']]]) },
    /^it is to be left out, but can be reached, and etcd runs, etcd\.service is enabled/,
  ],
  ['would start with its manifest', { leftOut: new Map([['m3', ['etcd.yaml']]]) }, /etcd\.yaml is among its manifests/],
  ['ended in the middle of its answer', { leftOut: new Map([['m3', ['?']]]) }, /nobody can say what runs there/],
])('a host that %s is not left out', (_what, change, refused) => {
  expect(judge({ ...REST, ...change }).refusals).toEqual([
    expect.objectContaining({ reason: 'guard', host: 'm3', message: expect.stringMatching(refused) }),
  ]);
  expect(judge({ ...REST, leftOut: new Map([['m3', []]]) }).refusals).toEqual([]);
});

it('never goes on while what is left out may be the quorum that a member still knows', () => {
  const { refusals } = judge({ ...ONE, probes: probes(['m1']), overHealthy: true });
  expect(refusals).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/^m1 still knows a leader, so cluster main lives on/) }),
  ]);
  // With fewer to ask, one that knows a leader is enough to say that a quorum serves.
  expect(judge({ ...REST, probes: probes(['m1']) }).serving).toEqual(['m1']);
  expect(judge({ ...REST, probes: probes(['m1']), overHealthy: true }).refusals).toEqual([]);
});
