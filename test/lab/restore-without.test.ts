// quorate restore --without: the cluster goes back without a host, which then comes back with its old data.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';
import { saying } from './saying.ts';

const REST = ['m1', 'm2'];
const CONFIRMED = ['-t', 'masters', '--confirm', 'main'];
let cluster: Cluster;
let snapshot: string;
let kept: string;
let former: string;
let run: string;

beforeAll(async () => {
  cluster = await openCluster('twithout', '10.213.94', 'systemd');
  cluster.pillar();
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stderr).toBe(0);
  await cluster.etcdctl('m1', 'put /registry/pods/ns/early kept');
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  snapshot = join('kept', readdirSync(join(cluster.rig.folder, 'kept')).find((name) => name.endsWith('.db'))!);
  const rehearsed = await cluster.rig.quorate('snapshot', 'rehearse', snapshot, '--on', 'm1');
  expect(rehearsed.status, rehearsed.stderr).toBe(0);
  kept = await everything('m1');
  former = (await cluster.status('m1'))!.cluster;
  await cluster.etcdctl('m1', 'put /registry/pods/ns/late lost');
});
afterAll(() => cluster?.rig.close());

function everything(host: string): Promise<string> {
  return cluster.etcdctl(host, 'get /registry/ --prefix');
}

async function ids(hosts: readonly string[]): Promise<(string | undefined)[]> {
  return (await Promise.all(hosts.map(cluster.status))).map((one) => one?.cluster);
}

async function refused(message: RegExp, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await cluster.rig.quorate('restore', '--from', snapshot, ...CONFIRMED, ...args);
  expect([status, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')]).toEqual([5, expect.stringMatching(message)]);
}

it('is refused for a host that runs, for one that the target has not, and for all of them; nothing is touched', async () => {
  await refused(
    /m3: it is to be left out, but can be reached, and etcd runs, etcd.service is enabled/,
    '--over-healthy',
    '--without',
    'm3',
  );
  await refused(/--without m9: it is no member of cluster main that the target has/, '--without', 'm9');
  await refused(/nothing is left of cluster main/, '--without', 'm1', '--without', 'm2', '--without', 'm3');
  await cluster.rig.lab.crash('m3');
  await refused(/m3: it cannot be asked.*pass --without m3/, '--over-healthy');
  await refused(/still answer, and have a quorum/, '--without', 'm3');
  expect(await ids(REST)).toEqual([former, former]);
  expect((await cluster.onEach('ls -A /var/lib/quorate/restores 2>/dev/null || :', REST)).join('')).toBe('');
});

it('never leaves out a quorum that lives: m1 alone within reach, and it knows a leader', async () => {
  await cluster.rig.lab.start('m3');
  await cluster.onEach('systemctl stop ssh.socket ssh.service sshd 2>/dev/null; pkill -x sshd || :', ['m2', 'm3']);
  await refused(
    /m1 still knows a leader, so cluster main lives on what is to be left out: m2, m3/,
    '--over-healthy',
    '--without',
    'm2',
    '--without',
    'm3',
  );
  await cluster.onEach('systemctl start ssh', ['m2', 'm3']);
  await cluster.rig.lab.crash('m3');
});

it('goes back without a host that cannot be asked, also when the controller was killed, and says what it leaves behind', async () => {
  const running = cluster.rig.start('restore', '--from', snapshot, ...CONFIRMED, '--over-healthy', '--without', 'm3');
  await saying(running, 'step 5 of 9');
  running.kill();
  const { stderr } = await running.ended;
  expect(stderr).toMatch(/! m3 is left out: no member of the restored cluster/);
  expect(stderr).toMatch(/! 2 voters are left/);
  run = /run (\d{8}T\d{6}Z-[0-9a-f]{6})/.exec(stderr)![1]!;
  const resumed = await cluster.rig.quorate('resume', run, '-t', 'masters', '--lock-wait', '90');
  expect(resumed.status, `${resumed.stdout}\n${resumed.stderr}`).toBe(0);
  const [id, other] = await ids(REST);
  expect(other).toBe(id);
  expect(id).not.toBe(former);
  for (const host of REST) expect(await everything(host)).toBe(kept);
  const listed = await cluster.etcdctl('m1', 'member list');
  expect(listed.split('\n')).toHaveLength(2);
  expect(listed).not.toContain(cluster.rig.lab.address('m3'));
  expect((await cluster.runsWith('initial-cluster-state', REST)).join()).toBe('existing,existing');
});

it('has a host that comes back with its old data never as a member, and says what it is', async () => {
  // systemd starts it, as it did before; alone it has no leader, so it is never ready, and nor is the boot.
  void cluster.rig.lab.start('m3').catch(() => {});
  while ((await cluster.rig.lab.exec('m3', 'pgrep -x etcd').catch(() => undefined))?.status !== 0) await sleep(200);
  const restored = await ids(REST);
  await cluster.etcdctl('m2', 'put /registry/pods/ns/after written');
  // Both sides have met by now, and each takes the other for a stranger.
  await cluster.rig.lab.run(
    'm1',
    'until journalctl -u etcd -n 50 | grep "cluster ID mismatch" >/dev/null; do sleep 0.2; done',
  );
  expect(await ids(HOSTS)).toEqual([...restored, undefined]);
  for (const call of ['get /registry/ --prefix', 'get /registry/ --prefix --consistency=s', 'put a b']) {
    const asked = await cluster.rig.lab.exec('m3', `${cluster.ctl} --command-timeout=2s ${call}`);
    expect([asked.status === 0, asked.stdout], call).toEqual([false, '']);
  }
  expect((await cluster.etcdctl('m1', 'member list')).split('\n')).toHaveLength(2);

  const status = await cluster.rig.quorate('status');
  expect([status.status, status.stdout]).toEqual([3, expect.stringMatching(/^main serves: 2 voters/)]);
  expect(status.stdout.replaceAll(/\s+/g, ' ')).toMatch(/m3 was left out when the cluster was restored/);
  for (const command of [
    ['plan', 'running'],
    ['apply', 'running', '--yes'],
  ]) {
    const planned = await cluster.rig.quorate(...command, '-t', 'masters');
    const said = `${planned.stdout}${planned.stderr}`.replaceAll(/\s+/g, ' ');
    expect([planned.status, said]).toEqual([
      5,
      expect.stringMatching(/m3 was left out when cluster main was restored.*take m3 out of the group/),
    ]);
  }
  expect(await ids(HOSTS)).toEqual([...restored, undefined]);
});

it('looks after the others once it is out of the group', async () => {
  cluster.rig.write({
    'less.yaml': readFileSync(cluster.rig.lab.inventoryPath, 'utf8').replaceAll(/^ +m3:.*\n/gm, ''),
  });
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes', '-i', 'less.yaml');
  expect([again.status, again.document.outcome], again.stderr).toEqual([0, 'ok']);
});

it('is taken back by undo with all the members of before, the one that was left out among them', async () => {
  // Stopped, as everybody was told.
  await cluster.rig.lab.run('m3', 'systemctl disable -q etcd; systemctl stop etcd');
  const undone = await cluster.rig.quorate('undo', run, ...CONFIRMED, '--discard-writes');
  expect(undone.status, `${undone.stdout}\n${undone.stderr}`).toBe(0);
  expect(await ids(HOSTS)).toEqual([former, former, former]);
  for (const host of HOSTS) expect(await everything(host)).toContain('late');
  const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
  expect([again.status, again.document.outcome], again.stderr).toEqual([0, 'ok']);
});
