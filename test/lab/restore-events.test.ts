// Events that have a cluster of their own go back alone, while main serves on; and main goes back without them.
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';

const MAIN = 2379;
const EVENTS = 2382;
const OF_EVENTS = ['-t', 'masters', '--cluster', 'main-events'];
let cluster: Cluster;
const snapshots = new Map<string, string>();

beforeAll(async () => {
  cluster = await openCluster('trevents', '10.213.101', 'systemd');
  cluster.pillar('etcd_events: true\n');
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stderr).toBe(0);
  await ask(MAIN, 'put /registry/pods/ns/early kept');
  await ask(EVENTS, 'put /registry/events/ns/early kept');
  // What a master's API server writes of itself, every few seconds; this one has died.
  const lease = /lease (\S+) granted/.exec(await ask(MAIN, 'lease grant 15'))![1];
  await ask(MAIN, `put --lease=${lease} /registry/masterleases/10.0.0.9 dead`);
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  for (const file of readdirSync(join(cluster.rig.folder, 'kept')).filter((name) => name.endsWith('.receipt.json'))) {
    const { cluster: of, prefixes } = JSON.parse(readFileSync(join(cluster.rig.folder, 'kept', file), 'utf8'));
    expect(prefixes['/registry/masterleases']).toBe(of.name === 'main' ? 1 : undefined);
    snapshots.set(of.name, join('kept', file.replace('.receipt.json', '.db')));
  }
  expect([...snapshots.keys()].sort()).toEqual(['main', 'main-events']);
  await leaseGone();
  await ask(MAIN, 'put /registry/pods/ns/late kept');
  await ask(EVENTS, 'put /registry/events/ns/late lost');
});
afterAll(() => cluster?.rig.close());

function ask(port: number, command: string, host = 'm1'): Promise<string> {
  return cluster.rig.lab.run(
    host,
    `${cluster.ctl} --endpoints=https://127.0.0.1:${port} --command-timeout=5s ${command}`,
  );
}

async function leaseGone(): Promise<void> {
  const command = `get /registry/masterleases --prefix --keys-only`;
  while ((await ask(MAIN, command)) !== '') await sleep(500);
}

/** What each member of it has, and of which cluster it says that it is. */
async function look(port: number): Promise<{ ids: string[]; data: string[] }> {
  const statuses = await Promise.all(HOSTS.map((host) => ask(port, 'endpoint status -w json', host)));
  return {
    ids: statuses.map((status) => /"cluster_id":(\d+)/.exec(status)![1]!),
    data: await Promise.all(HOSTS.map((host) => ask(port, 'get /registry/ --prefix', host))),
  };
}

/** The processes and directories of one of the two. */
function bodies(service: string): Promise<string[]> {
  return cluster.onEach(`systemctl show -p MainPID --value ${service}; stat -c %i /var/lib/${service}`);
}

async function refused(code: number, message: RegExp, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await cluster.rig.quorate(...args);
  expect([status, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')]).toEqual([code, expect.stringMatching(message)]);
}

it('is refused a snapshot of the other, with a receipt and without one', async () => {
  const [main, events] = [snapshots.get('main')!, snapshots.get('main-events')!];
  for (const [from, to] of [
    [main, 'main.db'],
    [events, 'events.db'],
  ] as const)
    copyFileSync(join(cluster.rig.folder, from), join(cluster.rig.folder, to));
  const ofEvents = [...OF_EVENTS, '--confirm', 'main-events', '--over-healthy'];
  const ofMain = ['-t', 'masters', '--confirm', 'main', '--over-healthy'];
  const before = await Promise.all([look(MAIN), look(EVENTS)]);
  await refused(
    5,
    /of the cluster main by its receipt, and main-events is to be restored/,
    'restore',
    '--from',
    main,
    ...ofEvents,
  );
  await refused(
    5,
    /of the cluster main-events by its receipt, and main is to be restored/,
    'restore',
    '--from',
    events,
    ...ofMain,
  );
  await refused(
    5,
    /has keys of \/registry\/masterleases, so it is not of the events cluster/,
    'restore',
    '--from',
    'main.db',
    ...ofEvents,
  );
  await refused(5, /has nothing but events, so it is not of cluster main/, 'restore', '--from', 'events.db', ...ofMain);
  await refused(
    1,
    /no members of a cluster evnts.*main, main-events/,
    'restore',
    '--from',
    events,
    '-t',
    'masters',
    '--cluster',
    'evnts',
  );
  await refused(
    5,
    /--confirm says main, and the cluster of the target is main-events/,
    'restore',
    '--from',
    events,
    ...OF_EVENTS,
    '--confirm',
    'main',
  );
  expect(await Promise.all([look(MAIN), look(EVENTS)])).toEqual(before);
});

let run: string;
let former: string;

it('goes back alone: main is not interrupted, and keeps what was written since', async () => {
  const main = await look(MAIN);
  const body = await bodies('etcd');
  [former] = (await look(EVENTS)).ids as [string];
  const restored = await cluster.rig.quorate(
    'restore',
    '--from',
    snapshots.get('main-events')!,
    ...OF_EVENTS,
    '--confirm',
    'main-events',
    '--over-healthy',
  );
  expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
  run = /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(restored.stderr)![1]!;
  expect([await look(MAIN), await bodies('etcd')]).toEqual([main, body]);
  const { ids, data } = await look(EVENTS);
  expect(ids).toEqual(Array(3).fill(ids[0]));
  expect(ids[0]).not.toBe(former);
  expect(data).toEqual(Array(3).fill('/registry/events/ns/early\nkept'));
  expect(await cluster.onEach(`ls /var/lib/etcd-events.pre-${run}`)).toEqual(Array(3).fill('member'));
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
  expect([again.status, again.document.outcome], again.stderr).toEqual([0, 'ok']);
});

it('is taken back as that cluster, and as no other', async () => {
  await refused(
    5,
    /is of cluster main-events, and main is meant.*--cluster main-events/,
    'undo',
    run,
    '-t',
    'masters',
    '--confirm',
    'main',
  );
  const body = await bodies('etcd');
  const undone = await cluster.rig.quorate('undo', run, ...OF_EVENTS, '--confirm', 'main-events', '--discard-writes');
  expect(undone.status, `${undone.stdout}\n${undone.stderr}`).toBe(0);
  const { ids, data } = await look(EVENTS);
  expect(ids).toEqual(Array(3).fill(former));
  expect(data[2]).toContain('late');
  expect(await bodies('etcd')).toEqual(body);
});

it('is left alone when main goes back, in which the lease of a master that is gone ends by itself', async () => {
  const events = await look(EVENTS);
  const body = await bodies('etcd-events');
  const restored = await cluster.rig.quorate(
    'restore',
    '--from',
    snapshots.get('main')!,
    '-t',
    'masters',
    '--confirm',
    'main',
    '--over-healthy',
  );
  expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
  await leaseGone();
  expect((await look(MAIN)).data).toEqual(Array(3).fill('/registry/pods/ns/early\nkept'));
  expect([await look(EVENTS), await bodies('etcd-events')]).toEqual([events, body]);
});
