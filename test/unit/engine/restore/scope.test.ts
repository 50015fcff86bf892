// What a step of a restore is about: a cluster without the hosts that are left out, or that of events alone.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { etcdClusters } from '../../../../src/engine/clusters.ts';
import { declaredMembers } from '../../../../src/engine/declared.ts';
import { type LoadOptions, load } from '../../../../src/engine/load.ts';
import { missingLocks } from '../../../../src/engine/locking.ts';

const folder = mkdtempSync(join(tmpdir(), 'quorate-scope-'));
afterAll(() => rmSync(folder, { recursive: true }));
const hosts = (names: string[]) =>
  names.map((name, at) => `    ${name}: { ansible_host: 10.0.0.${at + 1} }\n`).join('');
writeFileSync(
  join(folder, 'inventory.yaml'),
  `masters:\n  hosts:\n${hosts(['m1', 'm2', 'm3'])}  vars: { etcd_cluster: main }\n`,
);
for (const events of [true, false]) {
  mkdirSync(join(folder, String(events)));
  writeFileSync(
    join(folder, String(events), 'defaults.yaml'),
    `etcd_runtime: systemd\netcd_version: 3.5.30\ncontrol_plane: none\netcd_events: ${events}\n`,
  );
}

async function loaded(state: string, events: boolean, more: Partial<LoadOptions> = {}) {
  const attempt = await load({
    inventory: join(folder, 'inventory.yaml'),
    pillar: join(folder, String(events)),
    target: 'masters',
    stateDirectories: [join(import.meta.dirname, '../../../../states')],
    states: [state],
    limits: {},
    ...more,
  });
  if (!attempt.ok) throw new Error(attempt.failures[0]!.message);
  return attempt.value;
}

type Run = Awaited<ReturnType<typeof loaded>>;

function stopped({ graph }: Run) {
  const nodes = [...graph.nodes.values()].filter(({ declaration }) => declaration.id.endsWith('etcd_stopped/service'));
  return nodes.map(({ host, declaration: { cluster, identity } }) => `${host} ${cluster} ${identity.name}`);
}

const members = (run: Run) => Object.fromEntries([...etcdClusters(run)].map(([name, { members: of }]) => [name, of]));

it('stops the etcd of events alone where the procedure is about it, and else that of main', async () => {
  const state = 'kubernetes.restore.etcd_stopped';
  const ofEvents = await loaded(state, true, { about: 'main-events' });
  expect(stopped(ofEvents)).toEqual(['m1', 'm2', 'm3'].map((host) => `${host} main-events etcd-events`));
  expect(stopped(await loaded(state, true))).toEqual(['m1', 'm2', 'm3'].map((host) => `${host} main etcd`));
});

it('knows nothing of a host that is left out of its only cluster', async () => {
  const run = await loaded('kubernetes.etcd.restored', false, { leftOut: { cluster: 'main', hosts: ['m3'] } });
  expect([run.hosts, run.targets, members(run)]).toEqual([['m1', 'm2'], ['m1', 'm2'], { main: ['m1', 'm2'] }]);
  expect(declaredMembers(run, etcdClusters(run).get('main')!).map(({ peerUrl }) => peerUrl)).not.toContain(
    'https://10.0.0.3:2380',
  );
});

it('asks one that stays a member of the other cluster, and writes nothing there', async () => {
  const run = await loaded('kubernetes.etcd.restored', true, { leftOut: { cluster: 'main', hosts: ['m3'] } });
  expect([run.hosts, run.targets]).toEqual([
    ['m1', 'm2', 'm3'],
    ['m1', 'm2'],
  ]);
  expect(members(run)).toEqual({ main: ['m1', 'm2'], 'main-events': ['m1', 'm2', 'm3'] });
  expect([...run.graph.nodes.values()].map(({ host }) => host)).not.toContain('m3');
});

it('counts the locks of those that are left', async () => {
  const probes = new Map(['m1'].map((host) => [host, { lock: { state: 'locked' } } as never]));
  const without = (hosts: string[]) =>
    loaded('kubernetes.etcd.restored', false, { leftOut: { cluster: 'main', hosts } });
  expect(missingLocks(await without([]), probes, false)).toHaveLength(1);
  expect(missingLocks(await without(['m2', 'm3']), probes, false)).toEqual([]);
});
