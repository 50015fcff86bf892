// quorate restore, resume and undo: a whole cluster goes back to a snapshot by one command, whatever interrupts it.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { damage } from '../unit/engine/snapshot/damages.ts';
import { snapshotOf, VERSIONS } from '../unit/etcd/snapshot/fixtures.ts';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';
import { FULL } from './extent.ts';
import { saying } from './saying.ts';

const KEYS = 20_000;
const DAMAGED = FULL ? 200 : 14;
const CONFIRMED = ['-t', 'masters', '--confirm', 'main'];
let cluster: Cluster;
let snapshot: string;
let kept: string;
let former: string;

beforeAll(async () => {
  cluster = await openCluster('tback', '10.213.92', 'systemd');
  cluster.pillar();
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stderr).toBe(0);
});
afterAll(() => cluster?.rig.close());

/** Every key with its value and nothing else, sorted. */
function everything(host: string): Promise<string> {
  return cluster.rig.lab.run(host, `${cluster.ctl} --command-timeout=60s get "" --prefix | sha256sum`);
}

async function put(from: number, count: number, value: string): Promise<void> {
  await cluster.rig.lab.run(
    'm1',
    `rm -f /root/puts*; seq ${from} ${from + count - 1} | sed 's/.*/put \\/registry\\/pods\\/ns\\/p& ${value}&/' | split -l 120 -a 3 - /root/puts.
for f in /root/puts.*; do { echo; cat "$f"; echo; echo; } | ${cluster.ctl} txn >/dev/null || exit 1; done`,
  );
}

/** Names and inodes of what etcd has had on each host. */
function directories(): Promise<string[]> {
  return cluster.onEach("cd /var/lib; stat -c '%n %i' etcd etcd.* 2>/dev/null || :");
}

async function ids(): Promise<(string | undefined)[]> {
  return (await Promise.all(HOSTS.map(cluster.status))).map((one) => one?.cluster);
}

function runOf({ stderr }: { stderr: string }): string {
  return /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(stderr)![1]!;
}

it('begins with a cluster, a snapshot of it, and what was written later', async () => {
  await put(1, KEYS, 'early');
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  snapshot = join('kept', readdirSync(join(cluster.rig.folder, 'kept')).find((name) => name.endsWith('.db'))!);
  kept = await everything('m1');
  [former] = (await ids()) as [string];
  await put(KEYS - 2500, 5000, 'late');
  expect(await everything('m2')).not.toBe(kept);
});

it('is refused unless it is confirmed, while a quorum serves, for a part of the cluster, and for another snapshot; nothing is touched', async () => {
  const had = await directories();
  const refused = async (message: RegExp, ...args: string[]) => {
    const { status, stdout, stderr } = await cluster.rig.quorate('restore', '--from', snapshot, ...args);
    expect([status, `${stdout}${stderr}`]).toEqual([5, expect.stringMatching(message)]);
  };
  await refused(/nobody has confirmed/, '-t', 'masters');
  await refused(/--confirm says mian, and the cluster of the target is main/, '-t', 'masters', '--confirm', 'mian');
  await refused(/m1, m2, m3 still answer, and have a quorum/, ...CONFIRMED);
  await refused(/restored only as a whole, and m3 is outside the target/, '-t', 'masters:!m3', '--confirm', 'main');
  await refused(/minutes old, and --max-age allows/, ...CONFIRMED, '--max-age', '0.001');
  await cluster.rig.lab.cut('m3');
  await refused(/m3.*cannot be asked/s, ...CONFIRMED, '--over-healthy', '--connect-limit', '12');
  await cluster.rig.lab.heal();
  expect(await directories()).toEqual(had);
  expect(await ids()).toEqual([former, former, former]);
  expect((await cluster.onEach('ls -A /var/lib/quorate/restores 2>/dev/null || :')).join('')).toBe('');
});

it(`is refused for each of ${DAMAGED} damaged snapshots, and for one that was put in the place of another; nothing that runs is stopped`, async () => {
  const folder = join(cluster.rig.folder, 'damaged');
  mkdirSync(folder);
  const whole = readFileSync(join(cluster.rig.folder, snapshot));
  const untouched = () =>
    Promise.all([
      directories(),
      cluster.onEach('pgrep -x etcd; systemctl show -P ActiveEnterTimestampMonotonic etcd'),
      cluster.onEach('ls -A /var/lib/quorate/restores 2>/dev/null || :'),
    ]);
  const before = await untouched();
  const refused = async (what: string, bytes: Buffer, message: RegExp) => {
    writeFileSync(join(folder, 'a.db'), bytes);
    const { status, stdout, stderr } = await cluster.rig.quorate(
      'restore',
      '--from',
      'damaged/a.db',
      ...CONFIRMED,
      '--over-healthy',
    );
    expect([what, status, `${stdout}${stderr}`]).toEqual([what, 5, expect.stringMatching(message)]);
  };
  for (const [what, damaged] of damage(whole, DAMAGED)) await refused(what, damaged, /is no whole snapshot/);
  // Whole, and another one than its receipt says.
  const receipt = snapshot.replace(/\.db$/, '.receipt.json');
  copyFileSync(join(cluster.rig.folder, receipt), join(folder, 'a.receipt.json'));
  await refused('another one', snapshotOf(VERSIONS.at(-1)!), /receipt/);
  expect(await untouched()).toEqual(before);
  expect(await ids()).toEqual([former, former, former]);
}, 1_200_000);

it('says as a dry run what it would do, where there is no way back without loss, and what would be lost', async () => {
  const { status, stdout } = await cluster.rig.quorate(
    'restore',
    '--from',
    snapshot,
    '-t',
    'masters',
    '--over-healthy',
    '--dry-run',
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Cluster main \(m1 m2 m3\) goes back to .*kept\/.*\.db\n {2}revision \d+, 20001 keys/);
  expect(stdout).toMatch(/ 3\. no etcd runs .*\n {3}4\. nothing listens/);
  expect(stdout).toMatch(/-- from here on .*--\n {3}8\. API servers/);
  expect(stdout).toMatch(/^lost: 42 revisions since the snapshot$/m);
  expect(stdout).toMatch(/\/registry\/pods: 22499 now, 20000 in the snapshot/);
  expect((await cluster.onEach('ls -A /var/lib/quorate/restores 2>/dev/null || :')).join('')).toBe('');
});

it('brings all back when two disks are gone: every key of the snapshot and none of the later ones, under a new id', async () => {
  await cluster.stopMember('m1', 'm2');
  await cluster.onEach('rm -rf /var/lib/etcd', ['m1', 'm2']);
  const restored = await cluster.rig.quorate('restore', '--from', snapshot, ...CONFIRMED);
  expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
  expect(restored.stderr).toMatch(/is rehearsed: 20001 keys served on m/);
  const after = await ids();
  expect(after).toEqual([after[0], after[0], after[0]]);
  expect(after[0]).not.toBe(former);
  for (const host of HOSTS) expect(await everything(host)).toBe(kept);
  expect(Number(JSON.parse(await cluster.etcdctl('m1', 'get x -w json')).header.revision)).toBeGreaterThan(1e9);
  const run = runOf(restored);
  expect(await cluster.rig.lab.run('m3', `ls /var/lib/etcd.pre-${run}`)).toBe('member');
  expect(await cluster.onEach("stat -c '%U %a' /var/lib/etcd")).toEqual(Array(3).fill('etcd 700'));
  expect(await cluster.runsWith('initial-cluster-state')).toEqual(Array(3).fill('existing'));
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
  expect([again.status, again.document.outcome]).toEqual([0, 'ok']);
});

it('goes on by resume wherever the controller was killed, and undo brings back what was there before', async () => {
  const before = await everything('m1');
  const [serving] = await ids();
  await put(1, 240, 'later');
  const changed = await everything('m1');
  const running = cluster.rig.start('restore', '--from', snapshot, ...CONFIRMED, '--over-healthy');
  await saying(running, 'step 5 of 9');
  running.kill();
  const run = runOf(await running.ended);
  const seen = await cluster.rig.quorate('status');
  expect([seen.status, seen.stdout]).toEqual([
    2,
    expect.stringContaining(`CRITICAL restore-unfinished\n  the restore ${run}`),
  ]);
  // Another one is not begun beside it.
  const second = await cluster.rig.quorate('restore', '--from', snapshot, ...CONFIRMED, '--lock-wait', '90');
  expect([second.status, `${second.stdout}${second.stderr}`]).toEqual([
    5,
    expect.stringContaining(`the restore ${run},`),
  ]);

  const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters', '--lock-wait', '90');
  expect(resumed.status, `${resumed.stdout}\n${resumed.stderr}`).toBe(0);
  const restored = await ids();
  expect(restored).toEqual([restored[0], restored[0], restored[0]]);
  expect(restored[0]).not.toBe(serving);
  expect(await everything('m2')).toBe(before);

  // Once it is at its end it cannot be begun again by mistake, which would stop what serves.
  const over = await cluster.rig.quorate('resume', run, '-t', 'masters');
  expect([over.status, `${over.stdout}${over.stderr}`]).toEqual([5, expect.stringContaining('is at its end')]);
  expect(await ids()).toEqual(restored);

  const careful = await cluster.rig.quorate('undo', run, ...CONFIRMED);
  expect([careful.status, `${careful.stdout}${careful.stderr}`]).toEqual([5, expect.stringMatching(/would be lost/)]);
  const undone = await cluster.rig.quorate('undo', run, ...CONFIRMED, '--discard-writes');
  expect(undone.status, `${undone.stdout}\n${undone.stderr}`).toBe(0);
  expect(await ids()).toEqual([serving, serving, serving]);
  for (const host of HOSTS) expect(await everything(host)).toBe(changed);
  expect(await cluster.onEach(`ls -d /var/lib/etcd.restored-${run}`)).toEqual(
    Array(3).fill(`/var/lib/etcd.restored-${run}`),
  );
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
  expect([again.status, again.document.outcome]).toEqual([0, 'ok']);
});

it('is not gone on with where the cluster that had no quorum serves again: nobody has agreed that it stops', async () => {
  const before = await ids();
  await cluster.stopMember('m1', 'm2');
  const running = cluster.rig.start('restore', '--from', snapshot, ...CONFIRMED);
  await saying(running, 'step 3 of 9');
  running.kill();
  const run = runOf(await running.ended);
  const started = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes', '--lock-wait', '90');
  expect([started.status, started.stdout]).toEqual([
    5,
    expect.stringContaining(`the restore ${run} of cluster main was begun and is not at its end`),
  ]);
  await cluster.startMember(...HOSTS);

  const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters');
  expect([resumed.status, `${resumed.stdout}${resumed.stderr}`]).toEqual([
    5,
    expect.stringMatching(/had no quorum when the restore .* was begun, and has one now \(m1, m2, m3\)/),
  ]);
  const undone = await cluster.rig.quorate('undo', run, ...CONFIRMED);
  expect(undone.status, `${undone.stdout}\n${undone.stderr}`).toBe(0);
  expect(await ids()).toEqual(before);
});

it('brings back what only a survivor has left, by a snapshot that was taken of it by hand (docs/restore.md)', async () => {
  const all = await everything('m3');
  await cluster.stopMember('m1', 'm2');
  await cluster.onEach('rm -rf /var/lib/etcd', ['m1', 'm2']);
  await cluster.rig.lab.run('m3', `${cluster.ctl} --command-timeout=60s snapshot save /root/survivor.db`);
  const restored = await cluster.rig.quorate('restore', '--from', 'host://m3/root/survivor.db', ...CONFIRMED);
  expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
  expect(restored.stderr).toMatch(/without a receipt/);
  for (const host of HOSTS) expect(await everything(host)).toBe(all);
});

it('takes what went with its lease for no loss, however late it counts: so the leases of API servers that are gone go too', async () => {
  const leased = '/registry/masterleases/10.0.0.9';
  const { etcdctl } = cluster;
  const lease = (await etcdctl('m1', 'lease grant 5')).split(' ')[1]!;
  await cluster.rig.lab.run('m1', `systemd-run --quiet --unit=alive ${cluster.ctl} lease keep-alive ${lease}`);
  await etcdctl('m1', `put --lease=${lease} ${leased} x`);
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'leased');
  expect(saved.status, saved.stderr).toBe(0);
  await cluster.rig.lab.run('m1', 'systemctl stop alive');

  const running = cluster.rig.start('restore', '--from', 'leased', ...CONFIRMED, '--over-healthy');
  await saying(running, 'step 7 of 9');
  running.kill();
  const run = runOf(await running.ended);
  const revision = Number(JSON.parse(await etcdctl('m2', `get ${leased} -w json`)).header.revision);
  await cluster.rig.lab.run('m2', `until [ -z "$(${cluster.ctl} get ${leased})" ]; do sleep 1; done`);

  const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters', '--lock-wait', '90');
  expect(resumed.status, `${resumed.stdout}\n${resumed.stderr}`).toBe(0);
  expect(await etcdctl('m3', `get ${leased} --rev=${revision} --print-value-only`)).toBe('x');
  expect(await etcdctl('m3', `get ${leased}`)).toBe('');
});
