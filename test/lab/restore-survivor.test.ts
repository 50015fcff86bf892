// quorate restore --from survivor: two of three are gone with their disks, there is no snapshot, and one still has it all.
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';
import { saying } from './saying.ts';

const KEYS = 2000;
const FROM = ['restore', '--from', 'survivor', '-t', 'masters'];
const CONFIRMED = [...FROM, '--confirm', 'main'];
let cluster: Cluster;
let kept: string;
let former: string;
let data: string;

beforeAll(async () => {
  cluster = await openCluster('tsurvive', '10.213.95', 'systemd');
  cluster.pillar();
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stderr).toBe(0);
  await cluster.rig.lab.run(
    'm1',
    `seq 1 ${KEYS} | sed 's/.*/put \\/registry\\/pods\\/ns\\/p& value&/' | split -l 120 -a 3 - /root/puts.
for f in /root/puts.*; do { echo; cat "$f"; echo; echo; } | ${cluster.ctl} txn >/dev/null || exit 1; done`,
  );
  kept = await everything('m3');
  former = (await cluster.status('m3'))!.cluster;
  data = await inode('/var/lib/etcd');
});
afterAll(() => cluster?.rig.close());

/** Every key with its value and nothing else, sorted; also without a quorum. */
function everything(host: string): Promise<string> {
  return cluster.rig.lab.run(
    host,
    `${cluster.ctl} --command-timeout=60s get "" --prefix --consistency=s >/root/all && sha256sum </root/all`,
  );
}

function inode(directory: string): Promise<string> {
  return cluster.rig.lab.run('m3', `stat -c %i ${directory}`);
}

function runOf({ stderr }: { stderr: string }): string {
  return /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(stderr)![1]!;
}

async function refused(code: number, message: RegExp, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await cluster.rig.quorate(...args);
  expect([status, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')]).toEqual([code, expect.stringMatching(message)]);
}

function snapshotsOf(run: string): string[] {
  return readdirSync(join(cluster.rig.folder, 'state/quorate/runs', run)).filter((name) => name.endsWith('.db'));
}

it('is refused while a quorum serves, and where most have their data: nothing has to be saved', async () => {
  await refused(5, /m1, m2, m3 still know a leader.*quorate snapshot save/, ...CONFIRMED);
  await refused(1, /--max-age is about a snapshot/, ...CONFIRMED, '--max-age', '5');
  await cluster.stopMember('m1', 'm2');
  // It believes in its leader until an election has come to nothing.
  const status = `${cluster.ctl} --endpoints=https://127.0.0.1:2379 endpoint status -w json`;
  await cluster.rig.lab.run('m3', `while ${status} | grep -q '"leader":[1-9]'; do sleep 0.1; done`);
  await refused(5, /m1, m2, m3 have their data, and they are enough for a quorum/, ...CONFIRMED);
});

it('says as a dry run whose data it would be, what each has, and what is ended first', async () => {
  await cluster.onEach('rm -rf /var/lib/etcd', ['m1', 'm2']);
  const { status, stdout, stderr } = await cluster.rig.quorate(...FROM, '--dry-run');
  expect([status, stderr]).toEqual([0, expect.not.stringMatching(/refused/)]);
  expect(stdout).toMatch(
    /goes back to what m3 still has; the others are ended first\n.*1\. no API server.*\n.*2\. no etcd runs but/,
  );
  expect(stdout).toMatch(
    /m1: has no data\n {2}m2: has no data\n {2}m3: applied index \d+, revision \d+ \(the survivor\)\n {2}lost: /,
  );
  expect((await cluster.onEach('ls -A /var/lib/quorate/restores 2>/dev/null || :')).join('')).toBe('');
});

it('is taken back before there is a snapshot: nothing was moved, and the survivor still has all', async () => {
  const running = cluster.rig.start(...CONFIRMED);
  await saying(running, 'step 2 of 2');
  running.kill();
  const run = runOf(await running.ended);
  const undone = await cluster.rig.quorate('undo', run, '-t', 'masters', '--confirm', 'main', '--lock-wait', '90');
  expect([undone.status, undone.stderr]).toEqual([
    0,
    expect.stringMatching(/no data was moved, and m3 still has its own/),
  ]);
  expect([await everything('m3'), await inode('/var/lib/etcd')]).toEqual([kept, data]);
  expect(snapshotsOf(run)).toEqual([]);
});

it('brings all of it back under a new id; resume after the controller was killed takes the same snapshot', async () => {
  const running = cluster.rig.start(...CONFIRMED);
  await saying(running, 'sha256 ');
  running.kill();
  const said = await running.ended;
  const run = runOf(said);
  const [, sha256] = /sha256 ([0-9a-f]{64})/.exec(said.stderr)!;
  const taken = snapshotsOf(run);
  expect(taken).toEqual([expect.stringMatching(/^[0-9a-f]+-r\d+-\d{8}T\d{6}Z\.db$/)]);
  expect([await everything('m3'), await inode('/var/lib/etcd')]).toEqual([kept, data]);
  const verified = await cluster.rig.quorate('snapshot', 'verify', join('state/quorate/runs', run, taken[0]!));
  expect(verified.status, verified.stderr).toBe(0);

  // A controller that has not got it never takes a second one.
  const [here, away] = [
    join(cluster.rig.folder, 'state/quorate/runs', run, taken[0]!),
    join(cluster.rig.folder, 'away.db'),
  ];
  renameSync(here, away);
  await refused(
    5,
    /has taken \(sha256 [0-9a-f]{64}\) is not here/,
    'resume',
    run,
    '-t',
    'masters',
    '--lock-wait',
    '90',
  );
  renameSync(away, here);

  const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters', '--lock-wait', '90');
  expect(resumed.status, `${resumed.stdout}\n${resumed.stderr}`).toBe(0);
  expect(snapshotsOf(run)).toEqual(taken);
  const shas = await cluster.onEach(`sha256sum </var/lib/quorate/restores/${run}/snapshot.db`);
  expect(shas.map((line) => line.split(' ')[0])).toEqual(Array(3).fill(sha256));
  const ids = (await Promise.all(HOSTS.map(cluster.status))).map((one) => one?.cluster);
  expect(ids).toEqual(Array(3).fill(ids[0]));
  expect(ids[0]).not.toBe(former);
  for (const host of HOSTS) expect(await everything(host)).toBe(kept);
  expect(await inode(`/var/lib/etcd.pre-${run}`)).toBe(data);
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
  expect([again.status, again.document.outcome], again.stderr).toEqual([0, 'ok']);
});
