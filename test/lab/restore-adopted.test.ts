// A cluster that people have set up, in units of their own, goes back to a snapshot too, and stays theirs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HandMadeEtcd, openEtcdByHand } from './etcd-by-hand.ts';
import { openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const TARGET = ['-i', 'inventory', '-t', 'masters'];
const CONFIRMED = [...TARGET, '--confirm', 'main'];
let rig: Rig;
let byHand: HandMadeEtcd;
let snapshot: string;

beforeAll(async () => {
  rig = await openRig('tbadopt', '10.213.102', 3);
  byHand = await openEtcdByHand(rig);
  await byHand.found(HOSTS);
  rig.write({ 'hosts.yaml': readFileSync(rig.lab.inventoryPath, 'utf8').replace(/^ *etcd_cluster.*\n/m, '') });
  const described = await rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', 'masters');
  expect(described.status, described.stderr).toBe(0);
  const known = await rig.quorate('apply', 'etcd.configured', ...TARGET, '--yes');
  expect(known.status, known.stderr).toBe(0);
  await byHand.ctl('m1', 'put /registry/pods/ns/early kept');
  const saved = await rig.quorate('snapshot', 'save', ...TARGET, '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  snapshot = join('kept', readdirSync(join(rig.folder, 'kept')).find((name) => name.endsWith('.db'))!);
  await byHand.ctl('m1', 'put /registry/pods/ns/late lost');
});
afterAll(() => rig?.close());

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

const unit = () => onEach('cat /etc/systemd/system/etcd.service');

it('is refused where the unit runs etcd as somebody who could not read what is restored', async () => {
  await rig.lab.run(
    'm2',
    'mkdir -p /etc/systemd/system/etcd.service.d; printf "[Service]\\nUser=nobody\\n" >/etc/systemd/system/etcd.service.d/user.conf; systemctl daemon-reload',
  );
  const { status, stdout, stderr } = await rig.quorate('restore', '--from', snapshot, ...CONFIRMED, '--over-healthy');
  expect([status, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')]).toEqual([
    5,
    expect.stringMatching(
      /m2: etcd\.service runs etcd as nobody, and restored data is the user etcd's.*etcd_configuration: managed/,
    ),
  ]);
  await rig.lab.run('m2', 'rm -r /etc/systemd/system/etcd.service.d; systemctl daemon-reload');
});

it('goes back, and its units are as they were', async () => {
  const before = await unit();
  const restored = await rig.quorate('restore', '--from', snapshot, ...CONFIRMED, '--over-healthy');
  expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
  for (const host of HOSTS)
    expect(await byHand.ctl(host, 'get /registry/ --prefix')).toBe('/registry/pods/ns/early\nkept');
  expect(await unit()).toEqual(before);
  expect(await onEach('systemctl is-enabled etcd')).toEqual(Array(3).fill('enabled'));
  const again = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
  expect([again.status, again.document.outcome], again.stderr).toEqual([0, 'ok']);
});
