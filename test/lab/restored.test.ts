// A cluster that has lost its data, brought back from one snapshot by kubernetes.etcd.restored and kubernetes.running.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, parseLedger } from '../../src/etcd/ledger.ts';
import { type Cluster, HOSTS, LEDGER, openCluster } from './cluster.ts';
import type { RunDocument } from './rig.ts';

const RESTORED = ['apply', 'kubernetes.etcd.restored', '-t', 'masters', '--yes'];
const RUNNING = ['apply', 'kubernetes.running', '-t', 'masters', '--yes'];
const SNAPSHOT = '/mnt/etcd/snapshot.db';
const KEYS = 3000;
let cluster: Cluster;
let bytes: Buffer;
let receipt: Buffer;
let before: Ledger;
let kept: string;

beforeAll(async () => {
  cluster = await openCluster('trestore', '10.213.86', 'systemd');
});
afterAll(() => cluster?.rig.close());

/** Every key with its value and nothing else, sorted. */
function everything(host: string): Promise<string> {
  return cluster.etcdctl(host, 'get "" --prefix');
}

async function put(from: number, count: number, value: string): Promise<void> {
  await cluster.rig.lab.run(
    'm1',
    `rm -f /root/puts*; seq ${from} ${from + count - 1} | sed 's/.*/put \\/registry\\/pods\\/ns\\/p& ${value}&/' | split -l 100 - /root/puts.
for f in /root/puts.*; do { echo; cat "$f"; echo; echo; } | ${cluster.ctl} txn >/dev/null || exit 1; done`,
  );
}

/** The same snapshot and receipt on every host, as whoever mounts a volume would find them. */
async function plant(): Promise<void> {
  for (const host of HOSTS) {
    await cluster.rig.lab.run(host, `mkdir -p /mnt/etcd; cat >${SNAPSHOT}`, bytes);
    await cluster.rig.lab.run(host, 'cat >/mnt/etcd/snapshot.receipt.json', receipt);
  }
}

/** What a refusal must leave as it is: every file of etcd and Quorate's, by its name, size and time. */
function disks(): Promise<string[]> {
  return cluster.onEach(
    `find /var/lib/etcd* /var/lib/quorate /mnt/etcd -path '*/runs*' -prune -o -type f -printf '%p %s %T@\\n' 2>/dev/null | sort; ls -A /var/lib | sort`,
  );
}

async function apply(...args: string[]) {
  const { status, document } = await cluster.rig.json(...args);
  return { status, document, whys: whysOf(document) };
}

function whysOf({ results, failures }: RunDocument): string[] {
  const whys = results.flatMap(({ outcome, why }) => (outcome === 'refused' ? [why!.message] : []));
  return [...new Set([...whys, ...failures.map(({ message }) => message)])];
}

async function refused(why: RegExp): Promise<void> {
  const had = await disks();
  const { status, whys } = await apply(...RESTORED);
  expect([status, whys.join('\n')]).toEqual([5, expect.stringMatching(why)]);
  expect(await disks()).toEqual(had);
}

it('begins with a cluster, a snapshot of it, and what was written later', async () => {
  cluster.pillar();
  await cluster.bare();
  expect((await apply(...RUNNING)).status).toBe(0);
  await put(1, KEYS, 'early');
  const saved = await cluster.rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect([saved.status, saved.stderr]).toEqual([0, expect.anything()]);
  const folder = join(cluster.rig.folder, 'kept');
  const [db, beside] = readdirSync(folder).sort();
  bytes = readFileSync(join(folder, db!));
  receipt = readFileSync(join(folder, beside!));
  kept = await everything('m1');
  before = parseLedger(readFileSync(cluster.controllerLedger(), 'utf8')) as Ledger;
  await put(KEYS - 500, 1000, 'late');
  expect(await everything('m2')).not.toBe(kept);
});

it('is refused while a member serves, and where a disk still has data (incidents 2 and 3)', async () => {
  await plant();
  await refused(/^m1, m2, m3 still answer: restoring a member into a cluster that lives/);
  await cluster.stopMember('m1', 'm2');
  await cluster.onEach('rm -rf /var/lib/etcd /var/lib/quorate/main.json', ['m1', 'm2']);
  await refused(/^m3 still answers/);
  await cluster.stopMember('m3');
  await refused(/^m3 has data of etcd in \/var\/lib\/etcd, which is not of this restore$/);
  // As the refusal says, so that nothing is lost.
  await cluster.onEach('mv /var/lib/etcd /var/lib/etcd.pre-restore', ['m3']);
});

it('is refused where the snapshot is missing, damaged, another one, or of another cluster; no host is touched (incident 1)', async () => {
  const onM2 = (content: Buffer) => cluster.rig.lab.run('m2', `cat >${SNAPSHOT}`, content);
  await cluster.rig.lab.run('m2', `rm ${SNAPSHOT}`);
  await refused(/^there is no snapshot \/mnt\/etcd\/snapshot.db on m2$/);
  const flipped = Buffer.from(bytes);
  flipped[8192]! ^= 1;
  for (const damaged of [flipped, bytes.subarray(0, -4096)]) {
    await onM2(damaged);
    await refused(/^\/mnt\/etcd\/snapshot.db on m2 is no whole snapshot/);
  }
  const { createHash } = await import('node:crypto');
  const body = Buffer.concat([bytes.subarray(0, -32), Buffer.alloc(4096)]);
  await onM2(Buffer.concat([body, createHash('sha256').update(body).digest()]));
  await refused(/^\/mnt\/etcd\/snapshot.db on m2 is not the file of its receipt/);
  await cluster.rig.lab.run('m2', 'rm /mnt/etcd/snapshot.receipt.json');
  await refused(/^snapshot sha256 on m2 differs from m1: [0-9a-f]{64} is not/);
  await plant();
  const foreign = (change: object) =>
    cluster.onEach(
      `printf %s '${JSON.stringify({ ...JSON.parse(receipt.toString()), ...change })}' >/mnt/etcd/snapshot.receipt.json`,
    );
  await foreign({ cluster: { name: 'main-events', id: before.clusterId } });
  await refused(/^the snapshot is of the cluster main-events by its receipt, and main is to be restored$/);
  await foreign({ cluster: { name: 'main', id: 'abcdef' } });
  await refused(/^the snapshot is of the cluster abcdef by its receipt, which main has never been/);
  await plant();
  await cluster.rig.lab.cut('m3');
  const cut = await apply(...RESTORED, '--connect-limit', '12');
  expect([cut.status, cut.whys.join('\n')]).toEqual([5, expect.stringMatching(/m3 cannot be asked/)]);
  await cluster.rig.lab.heal();
  expect(await cluster.onEach('ls -A /var/lib | grep "^etcd" || true')).toEqual(['', '', 'etcd.pre-restore']);
});

it('goes on where it was killed, never starts what is only restored in part, and then brings the cluster back', async () => {
  // On m2 the tool fails once: m1 and m3 are restored, m2 is not.
  const { stdout } = await cluster.rig.lab.exec('m2', 'readlink -f /usr/local/bin/etcdutl');
  await cluster.rig.lab.run(
    'm2',
    `mv ${stdout.trim()} /root/etcdutl; printf '#!/bin/sh\\ncase $1 in version) exec /root/etcdutl version;; esac; /root/etcdutl "$@"; exit 1\\n' >${stdout.trim()}; chmod 755 ${stdout.trim()}`,
  );
  const partly = await apply(...RESTORED);
  expect(partly.status).toBe(2);
  expect(await cluster.onEach('ls -A /var/lib | grep "^etcd" || true')).toEqual(['etcd', '', 'etcd\netcd.pre-restore']);
  await cluster.rig.lab.run('m2', `mv /root/etcdutl ${stdout.trim()}`);
  // A crash right after the rename: only the ledger is missing.
  await cluster.rig.lab.run('m1', 'rm /var/lib/quorate/main.json');
  const again = await apply(...RESTORED);
  expect([again.status, again.whys]).toEqual([0, []]);
  expect(await cluster.onEach('stat -c "%U %G %a" /var/lib/etcd')).toEqual(Array(3).fill('etcd etcd 700'));
  expect(again.document.notes.join('\n')).toMatch(/goes on 1000000000 revisions further|cannot raise the revision/);
  const nothing = await apply(...RESTORED);
  expect([nothing.status, nothing.document.outcome]).toEqual([0, 'ok']);

  const ran = await apply(...RUNNING);
  expect([ran.status, ran.whys]).toEqual([0, []]);
  const ledgers = (await cluster.onEach(`cat ${LEDGER}`)).map((text) => parseLedger(text) as Ledger);
  const own = parseLedger(readFileSync(cluster.controllerLedger(), 'utf8')) as Ledger;
  expect(new Set([own, ...ledgers].map(({ clusterId }) => clusterId)).size).toBe(1);
  expect(own.clusterId).not.toBe(before.clusterId);
  expect(own.restored).toMatchObject({ generation: 1, former: [before.clusterId] });
  const serving = await Promise.all(HOSTS.map(cluster.status));
  expect(serving.map((one) => BigInt(one!.cluster).toString(16))).toEqual(Array(3).fill(own.clusterId));
  for (const host of HOSTS) expect(await everything(host)).toBe(kept);
  expect(await cluster.runsWith('initial-cluster-state')).toEqual(Array(3).fill('existing'));
  expect(await cluster.rig.lab.run('m3', 'ls /var/lib/etcd.pre-restore')).toBe('member');
  const revision = JSON.parse(await cluster.etcdctl('m1', 'get x -w json')).header.revision;
  expect(revision).toBeGreaterThan(1_000_000_000);
});

it('has nothing to do afterwards, and a lost disk is no reason for a second restore with the same token', async () => {
  const after = await apply(...RUNNING);
  expect([after.status, after.document.outcome]).toEqual([0, 'ok']);
  await cluster.stopMember(...HOSTS);
  await cluster.onEach('rm -rf /var/lib/etcd');
  await refused(/^token reused: this snapshot was restored before with restore_generation 1/);
  // Also where the hosts have forgotten it.
  await cluster.onEach('rm -f /var/lib/quorate/main.json');
  await refused(/^token reused: .* this controller has seen it serve/);
  cluster.pillar('restore_generation: 2\n');
  expect((await apply(...RESTORED)).status).toBe(0);
  const ran = await apply(...RUNNING);
  expect([ran.status, ran.whys]).toEqual([0, []]);
  for (const host of HOSTS) expect(await everything(host)).toBe(kept);
});
