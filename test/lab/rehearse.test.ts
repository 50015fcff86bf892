// Rehearsals on a real host: an etcd starts from a snapshot and serves what is in it, nobody can reach it, nothing of it is left.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Rehearsal } from '../../src/etcd/snapshot/rehearsal.ts';
import { snapshotOf, VERSIONS } from '../unit/etcd/snapshot/fixtures.ts';
import { type HandMadeEtcd, openEtcdByHand } from './etcd-by-hand.ts';
import { openRig, type Rig } from './rig.ts';
import { saying } from './saying.ts';

const FOLDER = '/var/lib/quorate/rehearsals';
const NEWEST = VERSIONS.at(-1)!;
let rig: Rig;
let etcd: HandMadeEtcd;

const validate = new Ajv2020({ strict: true }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/snapshot-rehearsal.schema.json', import.meta.url), 'utf8')),
);

interface Document {
  rehearsals: { url: string; name: string; rehearsal: Rehearsal }[];
  failures: { reason: string; message: string; host?: string; next?: string }[];
}

async function rehearse(...args: string[]) {
  const { status, stdout, stderr } = await rig.quorate('snapshot', 'rehearse', ...args, '--json');
  if (stdout === '') throw new Error(`no document (${status}): ${stderr}`);
  const document = JSON.parse(stdout) as Document;
  for (const { rehearsal } of document.rehearsals) expect(validate(rehearsal) || validate.errors).toBe(true);
  return { status, stderr, ...document, first: document.rehearsals[0]! };
}

/** Of all rehearsals on the host: what they have on its disks, and the etcds that are not its own member. */
async function left(): Promise<string> {
  const own = await rig.lab.run('m1', 'systemctl show -P MainPID etcd');
  return rig.lab.run('m1', `ls -A ${FOLDER} 2>/dev/null; pgrep -x etcd | grep -vx ${own}; pgrep -f '[s]leep 77'; :`);
}

function useVersion(version: string): void {
  rig.write({ 'pillar/defaults.yaml': `etcd_bin_dir: /opt/etcd/${version}\n` });
}

beforeAll(async () => {
  rig = await openRig('trehearse', '10.213.96', 1);
  useVersion(NEWEST);
  etcd = await openEtcdByHand(rig, NEWEST);
  for (const version of VERSIONS) writeFileSync(join(rig.folder, `${version}.db`), snapshotOf(version));
});
afterAll(() => rig?.close());

it('sends nothing to a host of what is not whole', async () => {
  const spoilt = snapshotOf(NEWEST);
  spoilt[9999]! ^= 1;
  writeFileSync(join(rig.folder, 'spoilt.db'), spoilt);
  const refused = await rehearse('spoilt.db', '--on', 'm1');
  expect([refused.status, refused.failures]).toEqual([
    5,
    [
      expect.objectContaining({
        reason: 'snapshot',
        message: expect.stringContaining('spoilt.db is no whole snapshot'),
      }),
    ],
  ]);
  // The first thing that a rehearsal makes there.
  await rig.lab.run('m1', `[ ! -e ${FOLDER} ]`);
});

it.each(VERSIONS)(
  'a snapshot of etcd %s is restored with the tool of its version, counted, and taken away',
  async (version) => {
    useVersion(version);
    const { status, failures, first } = await rehearse(`${version}.db`, '--on', 'm1');
    expect([status, failures]).toEqual([0, []]);
    const tool = version.startsWith('3.4') ? 'etcdctl' : 'etcdutl';
    const { rehearsal } = first;
    expect(rehearsal).toMatchObject({
      etcdVersion: version,
      tool: `${tool} ${version}`,
      keys: 399,
      host: 'm1',
      canary: true,
    });
    expect(Object.keys(rehearsal.seconds)).toEqual(['verify', 'send', 'restore', 'start', 'count', 'hash', 'total']);
    expect(JSON.parse(rig.read(first.name))).toEqual(rehearsal);
    expect(await left()).toBe('');
    const verified = await rig.quorate('snapshot', 'verify', `${version}.db`);
    expect(verified.stdout).toContain(`rehearsed ${rehearsal.time} on m1: etcd ${version} served all of it`);
  },
);

it('is refused with etcd of another minor version, and where no host is meant', async () => {
  useVersion(VERSIONS[0]!);
  const other = await rehearse(`${NEWEST}.db`, '--on', 'm1');
  expect([other.status, other.failures[0]!.message]).toEqual([
    5,
    `the snapshot is of etcd 3.5, and m1 has etcd ${VERSIONS[0]}`,
  ]);
  expect(await left()).toBe('');
  useVersion(NEWEST);
  expect((await rehearse(`${NEWEST}.db`)).failures[0]!.next).toContain('--on HOST');
});

it('leaves the member of the host alone, and has the hash that its members had', async () => {
  await etcd.found(['m1']);
  await rig.lab.run(
    'm1',
    `seq 2000 | while read -r n; do echo "put /registry/pods/ns/p$n v$n"; done >/root/puts
split -l 100 /root/puts /root/puts. && for f in /root/puts.*; do { echo; cat "$f"; echo; echo; } | ${etcd.command} txn >/dev/null || exit 1; done`,
  );
  const pid = await rig.lab.run('m1', 'systemctl show -P MainPID etcd');
  const saved = await rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'host://m1/mnt/etcd');
  expect([saved.status, saved.stderr]).toEqual([0, expect.anything()]);
  const before = await etcd.ctl('m1', 'endpoint hashkv');

  const { status, failures, first } = await rehearse('host://m1/mnt/etcd', '-t', 'm1');
  expect([status, failures]).toEqual([0, []]);
  expect(first.rehearsal).toMatchObject({
    keys: 2001,
    prefixes: { '/registry/pods': 2000, '/quorate': 1 },
    hash: { compared: true },
    cluster: { name: 'main' },
  });
  expect(await rig.lab.run('m1', 'ls /mnt/etcd')).toContain(first.name);
  expect(readdirSync(join(rig.folder, 'state/quorate/snapshots'))).toEqual([]);
  expect(await left()).toBe('');
  expect(await etcd.ctl('m1', 'endpoint hashkv')).toBe(before);
  expect(await rig.lab.run('m1', 'systemctl show -P MainPID etcd')).toBe(pid);
});

it('is refused where there is no room, and goes elsewhere with --in', async () => {
  await rig.lab.run('m1', `mkdir -p ${FOLDER} && mount -t tmpfs -o size=1m none ${FOLDER}`);
  const refused = await rehearse(`${NEWEST}.db`, '--on', 'm1');
  expect([refused.status, refused.failures[0]!.message]).toEqual([
    5,
    expect.stringMatching(/^\/var\/lib\/quorate\/rehearsals has 1 MiB free, too little/),
  ]);
  const elsewhere = await rehearse(`${NEWEST}.db`, '--on', 'm1', '--in', '/srv/large disk');
  expect([elsewhere.status, elsewhere.failures]).toEqual([0, []]);
  expect(await rig.lab.run('m1', 'ls -A "/srv/large disk/rehearsals"')).toBe('');
  await rig.lab.run('m1', `umount ${FOLDER}`);
  const within = await rehearse(`${NEWEST}.db`, '--on', 'm1', '--in', '/var/lib/etcd');
  expect([within.status, within.failures[0]!.message]).toEqual([
    5,
    "/var/lib/etcd/rehearsals is within the member's data directory",
  ]);
});

it('is taken away by the host itself when the controller is interrupted or killed, or takes too long', async () => {
  // An etcd that begins and never serves.
  const stub = `#!/bin/sh
[ "$1" != --version ] || exec /opt/etcd/${NEWEST}/etcd --version
exec sleep 77
`;
  await rig.lab.run('m1', 'mkdir -p /opt/slow; cat >/opt/slow/etcd; chmod 755 /opt/slow/etcd', stub);
  await rig.lab.run('m1', `cp /opt/etcd/${NEWEST}/etcdctl /opt/etcd/${NEWEST}/etcdutl /opt/slow/`);
  rig.write({ 'pillar/defaults.yaml': 'etcd_bin_dir: /opt/slow\n' });
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const running = rig.start('snapshot', 'rehearse', `${NEWEST}.db`, '--on', 'm1');
    await saying(running, 'm1 restores it');
    await expect.poll(left, { timeout: 60_000 }).toMatch(/\d+$/);
    expect(await rig.lab.run('m1', `stat -c %a ${FOLDER} ${FOLDER}/2*`)).toBe('700\n700');
    running.kill(signal);
    expect((await running.ended).status).toBe(signal === 'SIGINT' ? 130 : null);
    await expect.poll(left, { timeout: 60_000 }).toBe('');
  }
  const slow = await rehearse(`${NEWEST}.db`, '--on', 'm1', '--rehearse-limit', '3');
  expect([slow.status, slow.failures[0]]).toEqual([
    2,
    expect.objectContaining({ reason: 'script', message: 'the rehearsal took too long, and was ended' }),
  ]);
  expect(await left()).toBe('');

  // What refuses the data says why.
  await rig.lab.run('m1', "sed -i 's/exec sleep 77/echo cannot open the backend; exit 1/' /opt/slow/etcd");
  const failed = await rehearse(`${NEWEST}.db`, '--on', 'm1');
  expect([failed.status, failed.failures[0]!.message]).toEqual([
    5,
    `no etcd starts from what ${NEWEST}.db was restored to: cannot open the backend`,
  ]);
  expect(await left()).toBe('');
});
