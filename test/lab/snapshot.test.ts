// Snapshots of a real etcd over TLS: what is saved is what was there, what cannot be trusted is refused, nothing is left behind.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sh } from '../../lab/shell.ts';
import type { Receipt } from '../../src/etcd/snapshot/receipt.ts';
import { parseEndpointStatus } from '../../src/etcd/status.ts';
import { type HandMadeEtcd, openEtcdByHand, PKI } from './etcd-by-hand.ts';
import { openRig, type Rig } from './rig.ts';
import { saying } from './saying.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const SAVE = ['snapshot', 'save', '-t', 'masters'];
const HOST_FOLDER = '/var/lib/quorate/snapshots';
const KEYS = 20_000;
let rig: Rig;
let etcd: HandMadeEtcd;

const validate = new Ajv2020({ strict: true }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/snapshots.schema.json', import.meta.url), 'utf8')),
);

interface Document {
  snapshots: { url: string; name: string; size: number; revision: number; state: string; receipt: Receipt | null }[];
  failures: { reason: string; message: string; host?: string; next?: string }[];
}

async function snapshot(...args: string[]) {
  const { status, stdout, stderr } = await rig.quorate('snapshot', ...args, '--json');
  if (stdout === '') throw new Error(`no document (${status}): ${stderr}`);
  const document = JSON.parse(stdout) as Document;
  expect(validate(document) || validate.errors).toBe(true);
  return { status, stderr, ...document, first: document.snapshots[0]! };
}

const save = (...args: string[]) => snapshot(...SAVE.slice(1), '--connect-limit', '12', ...args);

function files(folder: string): string[] {
  return readdirSync(join(rig.folder, folder)).sort();
}

function onEach(command: string, input?: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command, input)));
}

/** What every host still has in the directory of snapshots: nothing, unless one is being taken. */
function left(): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, `ls -A ${HOST_FOLDER} 2>/dev/null || true`)));
}

beforeAll(async () => {
  rig = await openRig('tsnap', '10.213.76', 3);
  rig.write({ 'pillar/defaults.yaml': '' });
});
afterAll(() => rig?.close());

async function found(version?: string): Promise<void> {
  await rig.lab.up(3, { fresh: true });
  etcd = await openEtcdByHand(rig, version);
  rig.write({ 'pillar/defaults.yaml': `etcd_bin_dir: /opt/etcd/${etcd.version}\n` });
  await etcd.found(HOSTS);
}

async function lead(host: string): Promise<void> {
  const { memberId, leader } = parseEndpointStatus(await etcd.ctl(host, 'endpoint status -w json'))!;
  // Only the leader can pass it on, and the others say so.
  if (!leader) await Promise.any(HOSTS.map((other) => etcd.ctl(other, `move-leader ${memberId}`)));
}

/** Through the gRPC gateway: a hundred keys a request. */
async function fill(count: number): Promise<void> {
  const bodies: string[] = [];
  const kinds = [
    'pods',
    'configmaps',
    'secrets',
    'services/specs',
    'services/endpoints',
    'leases',
    'cert-manager.io/certificates',
    'events',
  ];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  for (let from = 0; from < count; from += 100) {
    const success = Array.from({ length: Math.min(100, count - from) }, (_, index) => {
      const at = from + index;
      return {
        requestPut: { key: base64(`/registry/${kinds[at % 8]}/ns${at % 7}/thing-${at}`), value: base64(`value-${at}`) },
      };
    });
    bodies.push(JSON.stringify({ success }));
  }
  const loop = `while IFS= read -r body; do printf %s "$body" | curl -sSf --cacert ${PKI}/ca.crt --cert ${PKI}/healthcheck-client.crt \
    --key ${PKI}/healthcheck-client.key -d @- https://127.0.0.1:2379/v3/kv/txn >/dev/null || exit 1; done`;
  await rig.lab.run('m1', loop, `${bodies.join('\n')}\n`);
}

describe('with every etcd there is', () => {
  it('20,000 keys, deletions, a lease and a compaction come out as etcd itself counts them', async () => {
    const versions = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
    for (const version of versions) {
      await found(version);
      await fill(KEYS);
      await etcd.ctl('m1', 'del --prefix /registry/configmaps/ns3/');
      const lease = (await etcd.ctl('m1', 'lease grant 3600')).split(' ')[1]!;
      await etcd.ctl('m1', `put --lease=${lease} /registry/masterleases/10.0.0.1 x`);
      const { revision } = JSON.parse(
        (await etcd.ctl('m1', 'endpoint status -w json')).replaceAll(/:(\d{16,})/g, ':"$1"'),
      )[0].Status.header;
      await etcd.ctl('m1', `compact ${revision - 1}`);
      await etcd.ctl('m2', 'put greeting again');
      const counted = (prefix: string) =>
        etcd.ctl('m3', `get ${prefix} --prefix --keys-only`).then((text) => text.split('\n').filter(Boolean).length);

      const { status, stderr, first, failures } = await save('--to', `keep-${version}`);
      expect([version, status, failures]).toEqual([version, 0, []]);
      const receipt = first.receipt!;
      expect(receipt).toMatchObject({ cluster: { name: 'main' }, etcdVersion: version, compared: { hosts: HOSTS } });
      // A follower gave it.
      const leader = JSON.parse(
        await etcd
          .ctl(receipt.member.host, 'endpoint status -w json')
          .then((text) => text.replaceAll(/:(\d{16,})/g, ':"$1"')),
      )[0].Status;
      expect(leader.leader).not.toBe(leader.header.member_id);
      expect(stderr).toMatch(
        /main: m1 m2 m3 have the same data at revision \d+\nmain: m\d, a follower, gives the snapshot\n/,
      );

      expect(receipt.keys).toBe(await counted('""'));
      for (const prefix of [
        '/registry/configmaps',
        '/registry/pods',
        '/registry/services/specs',
        '/registry/masterleases',
        '/quorate',
      ])
        expect([prefix, receipt.prefixes[prefix]]).toEqual([prefix, await counted(`${prefix}/`)]);

      const [name] = files(`keep-${version}`);
      expect(files(`keep-${version}`)).toEqual([first.name, first.name.replace('.db', '.receipt.json')]);
      const path = join(rig.folder, `keep-${version}`, name!);
      expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
      const bytes = readFileSync(path);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(receipt.sha256);
      // The tool of the server's own version says the same of it.
      await rig.lab.run('m1', 'umask 077; cat >/root/check.db', bytes);
      const tool = `/opt/etcd/${version}/etcdctl snapshot status -w json /root/check.db`;
      const told = JSON.parse(await rig.lab.run('m1', tool));
      const verified = JSON.parse((await rig.quorate('snapshot', 'verify', path, '--json')).stdout).snapshots[0];
      expect([told.hash, told.revision, told.totalKey]).toEqual([
        Number.parseInt(verified.hash, 16),
        receipt.revision,
        verified.records,
      ]);
      expect(await left()).toEqual(['', '', '']);
    }
  });
});

describe('one cluster', () => {
  beforeAll(async () => {
    await found();
    await fill(2000);
  });

  it('is saved to a host and to a directory, listed, fetched and proved again', async () => {
    const there = 'host://m2/mnt/etcd snapshots';
    const saved = await save('--to', there);
    expect([saved.status, saved.first.url]).toEqual([0, there]);
    expect(await rig.lab.run('m2', 'stat -c "%a %n" "/mnt/etcd snapshots"/*')).toBe(
      `600 /mnt/etcd snapshots/${saved.first.name}\n600 /mnt/etcd snapshots/${saved.first.name.replace('.db', '.receipt.json')}`,
    );
    // What only passed through is not left on the controller.
    expect(files('state/quorate/snapshots')).toEqual([]);

    const listed = await snapshot('list', '-t', 'masters', '--from', there);
    expect(listed.snapshots).toEqual(saved.snapshots);
    const table = await rig.quorate('snapshot', 'list', '-t', 'masters', '--from', there);
    expect(table.stdout).toMatch(/time .*proved +where\n\d{4}-\d\d-\d\dT.* verified +host:\/\/m2/);

    const fetched = await snapshot('fetch', '-t', 'masters', '--from', there, '--to', 'fetched');
    expect([fetched.status, fetched.failures]).toEqual([0, []]);
    expect(files('fetched')).toEqual([saved.first.name, saved.first.name.replace('.db', '.receipt.json')]);
    const again = await snapshot('fetch', '-t', 'masters', '--from', there, '--to', 'fetched');
    expect([again.status, again.failures[0]!.message]).toEqual([5, expect.stringContaining('already')]);

    // Without an inventory's hosts: a directory is enough.
    expect((await snapshot('list', '--from', 'fetched')).snapshots).toMatchObject([{ state: 'verified' }]);
    await rig.lab.run(
      'm2',
      `cd "/mnt/etcd snapshots"; printf x | dd of=${saved.first.name} bs=1 seek=9999 conv=notrunc`,
    );
    const spoilt = await snapshot('fetch', '-t', 'masters', '--from', there, '--to', 'spoilt');
    expect([spoilt.status, spoilt.failures[0]!.message]).toEqual([
      5,
      expect.stringMatching(/^host:\/\/m2.* is no whole snapshot/),
    ]);
    expect(files('spoilt')).toEqual([]);
  });

  it('keeps the newest, and never loses the last that is proved', async () => {
    const names: string[] = [];
    for (let made = 0; made < 3; made++) names.push((await save('--to', 'prune')).first.name);
    writeFileSync(join(rig.folder, 'prune/notes.txt'), 'mine');
    writeFileSync(join(rig.folder, `prune/${names[2]}`), 'cut');
    const before = files('prune');
    const prune = (...args: string[]) => snapshot('prune', '--from', 'prune', ...args);
    // Nobody is there to be asked.
    expect(await prune('--keep', '1')).toMatchObject({
      status: 5,
      snapshots: [{ name: names[0], removed: false }],
      failures: [{ reason: 'not-confirmed' }],
    });
    expect(files('prune')).toEqual(before);
    expect(await prune('--keep', '1', '--keep-days', '1', '--confirm')).toMatchObject({ status: 0, snapshots: [] });
    expect(await prune('--keep', '1', '--confirm')).toMatchObject({
      status: 0,
      snapshots: [{ name: names[0], removed: true }],
    });
    // The second is the newest that is proved now; the cut one and what is no snapshot are left alone.
    expect(files('prune')).toEqual(before.filter((name) => !name.startsWith(names[0]!.replace('.db', ''))));
    expect((await prune('--keep', '1', '--confirm')).snapshots).toEqual([]);
  });

  it('is saved with one member down, and says so; not without a quorum', async () => {
    // The worst to lose: the others have to elect a leader first.
    await lead('m3');
    await rig.lab.run('m3', 'systemctl stop etcd');
    const two = await save('--to', 'two');
    expect([two.status, two.first.receipt!.compared!.hosts]).toEqual([0, ['m1', 'm2']]);
    await rig.lab.run('m2', 'systemctl stop etcd');
    // For a moment it still takes itself, or the one that has gone, for the leader.
    const leader = async () => parseEndpointStatus(await etcd.ctl('m1', 'endpoint status -w json'))?.leaderId;
    await expect.poll(leader, { timeout: 60_000, interval: 250 }).toBeUndefined();
    const one = await save('--to', 'one');
    expect([one.status, one.failures]).toEqual([
      5,
      [
        {
          reason: 'quorum',
          message: expect.stringMatching(/^cluster main: no quorum: of 3 members 1 answer/),
          next: expect.stringContaining('restore --from survivor'),
        },
      ],
    ]);
    await Promise.all(['m2', 'm3'].map((host) => rig.lab.run(host, 'systemctl start etcd')));
    await Promise.all(HOSTS.map((host) => etcd.serving(host)));
    await rig.lab.cut('m3');
    const cut = await save('--to', 'cut');
    expect([cut.status, cut.stderr]).toEqual([0, expect.stringContaining('main: goes on without m3: ')]);
    await rig.lab.heal();
    expect(await left()).toEqual(['', '', '']);
  });

  it('is refused where there is no room, here or on the host', async () => {
    await Promise.all(
      HOSTS.map((host) => rig.lab.run(host, `mkdir -p ${HOST_FOLDER}; mount -t tmpfs -o size=64k none ${HOST_FOLDER}`)),
    );
    const host = await save('--to', 'no-room');
    expect([host.status, host.failures]).toEqual([
      5,
      [
        expect.objectContaining({
          reason: 'guard',
          message: expect.stringMatching(
            /^\/var\/lib\/quorate\/snapshots has 1 MiB free, and the database is \d+ MiB large/,
          ),
        }),
      ],
    ]);
    expect(await left()).toEqual(['', '', '']);
    await Promise.all(HOSTS.map((name) => rig.lab.run(name, `umount ${HOST_FOLDER}`)));

    rig.write({ 'small/': '' });
    const small = join(rig.folder, 'small');
    await sh`mount -t tmpfs -o size=64k none ${small}`;
    try {
      const here = await save('--to', 'small');
      expect([here.status, here.failures[0]!.message]).toEqual([
        5,
        expect.stringContaining('small on this machine has 1 MiB free'),
      ]);
      expect(files('small')).toEqual([]);
    } finally {
      await sh`umount ${small}`;
    }
  });

  it('is refused with an etcdctl of another minor version', async () => {
    const other = (await rig.lab.run('m1', 'ls /opt/etcd'))
      .split('\n')
      .find((version) => !version.startsWith(etcd.version.slice(0, 4)))!;
    rig.write({ 'pillar/defaults.yaml': `etcd_bin_dir: /opt/etcd/${other}\n` });
    const refused = await save('--to', 'other');
    rig.write({ 'pillar/defaults.yaml': `etcd_bin_dir: /opt/etcd/${etcd.version}\n` });
    expect([refused.status, refused.failures[0]!.message]).toEqual([
      5,
      `etcd is ${etcd.version}, and the etcdctl that was found is ${other}`,
    ]);
  });

  it('leaves nothing on a host when the controller is killed, and takes away what a lost power left', async () => {
    // etcdctl that begins and does not end, so that the controller is killed in between.
    const stub = `#!/bin/sh
case "$*" in *snapshot*) for last; do :; done; echo partly >"$last.part"; exec sleep 77;; esac
exec /opt/etcd/${etcd.version}/etcdctl "$@"
`;
    await onEach('cat >/usr/local/bin/etcdctl; chmod 755 /usr/local/bin/etcdctl', stub);
    rig.write({ 'pillar/defaults.yaml': '' });
    try {
      const running = rig.start(...SAVE, '--to', 'killed');
      await saying(running, 'gives the snapshot');
      await expect.poll(async () => (await left()).join(''), { timeout: 60_000 }).toMatch(/-main/);
      const modes = await onEach(`stat -c %a ${HOST_FOLDER} ${HOST_FOLDER}/*-main 2>/dev/null || true`);
      expect(modes.filter((mode) => mode.includes('\n'))).toEqual(['700\n700']);
      running.kill();
      await running.ended;
    } finally {
      rig.write({ 'pillar/defaults.yaml': `etcd_bin_dir: /opt/etcd/${etcd.version}\n` });
    }
    await expect.poll(left, { timeout: 60_000 }).toEqual(['', '', '']);
    expect(await onEach('pgrep -f "[s]leep 77" || true')).toEqual(['', '', '']);

    const old = `${HOST_FOLDER}/old`;
    await onEach(`mkdir -p ${old}; echo "1 1 another-boot" >${old}/holder; echo x >${old}/snapshot.db`);
    const [part, ...others] = files('killed');
    expect([part, others]).toEqual([expect.stringMatching(/^\.quorate-.*\.part$/), []]);
    utimesSync(join(rig.folder, 'killed', part!), new Date(0), new Date(0));
    const saved = await save('--to', 'killed');
    expect([saved.status, files('killed')]).toEqual([
      0,
      [saved.first.name, saved.first.name.replace('.db', '.receipt.json')],
    ]);
    const host = saved.first.receipt!.member.host;
    expect(await left()).toEqual(HOSTS.map((name) => (name === host ? '' : 'old')));
  });

  it('is refused when its members have different data under one id (incident 1)', async () => {
    const first = (await save('--to', 'first')).first;
    await etcd.ctl('m1', 'put later x');
    const second = (await save('--to', 'second')).first;
    await Promise.all(HOSTS.map((host) => rig.lab.run(host, 'systemctl stop etcd; rm -rf /var/lib/etcd')));
    const initial = HOSTS.map((host) => `${host}=https://${rig.lab.address(host)}:2380`).join(',');
    for (const host of HOSTS) {
      const folder = host === 'm3' ? 'second' : 'first';
      const { name } = host === 'm3' ? second : first;
      await rig.lab.run(host, 'umask 077; cat >/root/s.db', readFileSync(join(rig.folder, folder, name)));
      const tool = `/opt/etcd/${etcd.version}/${etcd.version.startsWith('3.4') ? 'etcdctl' : 'etcdutl'}`;
      await rig.lab.run(
        host,
        `${tool} snapshot restore /root/s.db --name ${host} --initial-cluster ${initial} --initial-cluster-token again --initial-advertise-peer-urls https://${rig.lab.address(host)}:2380 --data-dir /var/lib/etcd`,
      );
    }
    await Promise.all(HOSTS.map((host) => rig.lab.run(host, 'systemctl start etcd')));
    await Promise.all(HOSTS.map((host) => etcd.serving(host)));
    const status = await rig.quorate('status', '-t', 'masters', '--hashkv');
    expect(status.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /split-brain under one cluster id: m1, m2 have applied everything that is agreed on, and never reached the revision \d+ that m3 has/,
    );
    const refused = await save('--to', 'diverged');
    expect([refused.status, refused.failures]).toEqual([
      5,
      [
        {
          reason: 'guard',
          message: expect.stringMatching(/do not have the same data at revision \d+, by their hashes: m1 \d+.* m3 \d+/),
          next: expect.stringContaining('diverged'),
        },
      ],
    ]);
    expect((await save('--to', 'diverged', '--no-hashkv')).first.receipt!.compared).toBe(null);
  });
});
