// The controller is killed in the middle of a restore, at every kind of moment: resume finishes it, or undo takes it back.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';
import { clusterIds, tell } from './killing.ts';
import { saying } from './saying.ts';

/** What the controller has said when it is killed. All of them: QUORATE_TEST=full; else every fourth. */
const WORDS = [
  'goes back to',
  'was rehearsed on',
  'step 1 of 9',
  'step 2 of 9',
  'step 3 of 9',
  'changed kubernetes.restore.etcd_stopped/service',
  'proving',
  'step 4 of 9',
  'changed kubernetes.restore.set_aside/data',
  'step 5 of 9',
  'changed kubernetes.etcd.restored/member',
  'step 6 of 9',
  'configured/service …',
  'changed kubernetes.etcd.configured/service',
  'step 7 of 9',
  'step 8 of 9',
  'step 9 of 9',
];
const FULL = process.env.QUORATE_TEST === 'full';
const MOMENTS = WORDS.filter((_word, at) => FULL || at % 4 === 2);

let cluster: Cluster;
let snapshot: string;
let kept: string;
let count = 0;
let killed = 0;

beforeAll(async () => {
  cluster = await openCluster('tbkill', '10.213.93', 'systemd');
  cluster.pillar();
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stderr).toBe(0);
  await put('early');
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  snapshot = join('kept', readdirSync(join(cluster.rig.folder, 'kept')).find((name) => name.endsWith('.db'))!);
  const rehearsed = await cluster.rig.quorate('snapshot', 'rehearse', snapshot, '--on', 'm3');
  expect(rehearsed.status, rehearsed.stderr).toBe(0);
  kept = await everything('m1');
});
afterAll(() => cluster?.rig.close());

function everything(host: string): Promise<string> {
  return cluster.etcdctl(host, 'get "" --prefix');
}

async function put(value: string): Promise<void> {
  count += 1;
  await cluster.etcdctl('m1', `put /registry/pods/ns/p${count} ${value}`);
}

/** Names with inodes: what was kept once is there for ever. */
async function keptDirectories(): Promise<Set<string>> {
  const said = await cluster.onEach("stat -c '%n %i' /var/lib/etcd.pre-* /var/lib/etcd.restored-* 2>/dev/null || :");
  return new Set(
    said.flatMap((text, at) =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => `${HOSTS[at]} ${line}`),
    ),
  );
}

/** Whoever serves is of one cluster, and has data: no member was started empty. */
async function expectNoSplit(): Promise<void> {
  const ids = (await clusterIds(cluster)).filter((id) => id !== undefined);
  expect(new Set(ids).size, ids.join(' ')).toBeLessThanOrEqual(1);
}

async function killAt(word: string): Promise<string> {
  const running = cluster.rig.start(
    'restore',
    '--from',
    snapshot,
    '-t',
    'masters',
    '--confirm',
    'main',
    '--over-healthy',
    '-v',
  );
  await saying(running, word);
  running.kill();
  const { status, stderr } = await running.ended;
  if (status === null) killed += 1;
  return /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(stderr)![1]!;
}

describe('killed in the middle of a restore', () => {
  it.each(MOMENTS)('is finished by resume, or was not begun: %s', async (word) => {
    await put('later');
    const before = { all: await everything('m1'), ids: await clusterIds(cluster), kept: await keptDirectories() };
    const run = await killAt(word);
    await expectNoSplit();
    const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters', '--lock-wait', '90');
    const unbegun = /was interrupted before anything was stopped|knows a restore/.test(resumed.stderr + resumed.stdout);
    expect(resumed.status, resumed.stdout + resumed.stderr).toBe(unbegun ? 5 : 0);
    const ids = await clusterIds(cluster);
    expect(ids).toEqual(Array(3).fill(ids[0]));
    if (unbegun) {
      expect(ids).toEqual(before.ids);
      expect(await everything('m2')).toBe(before.all);
      await cluster.rig.quorate('undo', run, '-t', 'masters', '--confirm', 'main');
    } else {
      expect(ids[0]).not.toBe(before.ids[0]);
      for (const host of HOSTS) expect(await everything(host)).toBe(kept);
    }
    for (const one of before.kept) expect(await keptDirectories()).toContain(one);
    tell(`restore, killed when it has said "${word}": ${unbegun ? 'not begun' : 'finished'}`);
  });

  it.each(MOMENTS)('is taken back by undo, and the cluster of before serves: %s', async (word) => {
    await put('before');
    const before = { all: await everything('m1'), ids: await clusterIds(cluster), kept: await keptDirectories() };
    const run = await killAt(word);
    const confirmed = ['-t', 'masters', '--confirm', 'main', '--discard-writes', '--lock-wait', '90'];
    const undone = await cluster.rig.quorate('undo', run, ...confirmed);
    const unbegun = /knows a restore/.test(undone.stderr + undone.stdout);
    expect(undone.status, undone.stdout + undone.stderr).toBe(unbegun ? 5 : 0);
    expect(await clusterIds(cluster)).toEqual(before.ids);
    for (const host of HOSTS) expect(await everything(host)).toBe(before.all);
    for (const one of before.kept) expect(await keptDirectories()).toContain(one);
    tell(`restore, killed when it has said "${word}" and taken back`);
  });

  it('was really killed in most of them', () => {
    expect(killed).toBeGreaterThan(MOMENTS.length);
  });
});
