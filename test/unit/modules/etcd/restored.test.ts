// A member made of a snapshot on a real file system, under every shell: whole or not at all, and nothing that was there is touched.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { formatLedger, type Ledger, parseLedger } from '../../../../src/etcd/ledger.ts';
import { type RestoreSighting, restoredLedger } from '../../../../src/etcd/restoration.ts';
import { etcdRestored } from '../../../../src/modules/etcd/restored.ts';
import type { Change, ClusterView, Controller, Refusal } from '../../../../src/modules/module.ts';
import { snapshotOf, VERSIONS } from '../../etcd/snapshot/fixtures.ts';
import { complete } from '../cases.ts';
import { Host, MINE, SHELLS } from '../host.ts';

const VIEW: ClusterView = {
  name: 'main',
  members: [
    { host: 'm1', name: 'm1', peerUrl: 'https://10.0.0.1:2380', reachable: true, healthy: false, leader: false },
  ],
};
const OLD: Ledger = { cluster: 'main', clusterId: 'c0', members: [{ name: 'm1', id: '1', peerUrl: 'x' }], at: 'then' };
const SNAPSHOT = snapshotOf(VERSIONS.at(-1)!);
const SHA = createHash('sha256').update(SNAPSHOT).digest('hex');

const reading = (line: string) => ({ status: 0, stdout: Buffer.from(line), stderr: '' });
test.each(['', 'none', 'none\t\tnone\t', 'none\t\tnone\t\t12 x whole\t'])('%j is no reading', (line) => {
  expect(() => etcdRestored.parse(reading(line))).toThrow();
});

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  let data: string;
  let wal: string;
  let snapshot: string;
  beforeEach(() => {
    host = new Host(shell);
    data = join(host.root, 'lib/et cd');
    wal = join(host.root, 'wal/here');
    snapshot = join(host.root, "mnt/it's.db");
    mkdirSync(join(host.root, 'mnt'));
    writeFileSync(snapshot, SNAPSHOT);
    tool();
  });
  afterEach(() => host.remove());

  const want = (more = {}) =>
    ({
      ...complete(etcdRestored, {
        cluster: 'main',
        name: 'm1',
        data_dir: data,
        snapshot,
        bin_dir: host.binaries,
        ...MINE,
        ...more,
      } as never),
    }) as never;
  // This machine may well run an apiserver.
  const here = (script: string) =>
    script.replaceAll('/var/lib/quorate', host.home).replaceAll('/proc/[0-9]*', `${host.root}/proc/[0-9]*`);

  /** What restores, as far as a host can tell: the id of the member, as etcd's own files name it. */
  function tool(ends = 0, version = '3.5.30'): void {
    const { id } = restoredLedger({ cluster: 'main', generation: 1, without: [] } as never, SHA, VIEW, { members: [] })
      .members[0]!;
    const text = `#!/bin/sh
[ "$1" != version ] || { echo "etcdutl version: ${version}"; exit; }
printf '%s\\n' "$@" >${host.root}/argv
log=
while [ $# -gt 0 ]; do case $1 in --data-dir) dir=$2 ;; --wal-dir) log=$2 ;; esac; shift; done
mkdir -p "$dir/member/snap"
: \${log:=$dir/member/wal}
mkdir -p "$log"
echo '{"Path":"/0/members/${id}"}' >"$dir/member/snap/1-1.snap"
echo log >"$log/0-0.wal"
exit ${ends}
`;
    writeFileSync(join(host.binaries, 'etcdutl'), text);
    chmodSync(join(host.binaries, 'etcdutl'), 0o755);
  }

  function read(more = {}): RestoreSighting {
    const said = host.run(here(etcdRestored.read(want(more))));
    expect(said).toMatchObject({ status: 0, stderr: '' });
    const seen = etcdRestored.parse(said);
    expect(etcdRestored.fingerprint(seen)).toBe(said.stdout.toString().split('\n')[0]);
    return seen;
  }

  async function plan(more = {}) {
    const seen = read(more);
    const controller: Controller = { host: 'm1', cluster: { name: 'main', ledger: async () => OLD } as never };
    const recalled = await etcdRestored.recall!(want(more), controller, [{ host: 'm1', seen }]);
    if (!recalled.ok) throw new Error('nothing can be recalled');
    return { wish: recalled.value, seen, changes: etcdRestored.diff(recalled.value, seen, VIEW) };
  }

  async function apply(more = {}) {
    const { wish, seen, changes } = await plan(more);
    if (!Array.isArray(changes)) throw new Error(changes.refused);
    if (changes.length === 0) return { changes };
    const prepared = await etcdRestored.prepare!(wish, seen, changes, { host: 'm1' });
    if (!prepared.ok) throw new Error(prepared.failures[0]!.message);
    const { script } = etcdRestored.write(prepared.value, changes, { run: 'r1', react: false, cluster: VIEW });
    return { changes, written: host.run(here(script)) };
  }

  const paths = (changes: Change[]) => changes.map(({ path }) => path);
  const below = (path: string) => host.run(`cd "$1" && find . | sort`, [path]).stdout.toString();

  it('makes a member of a snapshot, for its user alone, writes it down, and has nothing to do then', async () => {
    writeFileSync(join(host.home, 'main.json'), formatLedger(OLD));
    const { changes, written } = await apply();
    expect([paths(changes), written!.status, written!.stderr]).toEqual([['snapshot', 'ledger'], 0, '']);
    expect(readdirSync(join(host.root, 'lib'))).toEqual(['et cd']);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    const argv = readFileSync(join(host.root, 'argv'), 'utf8').split('\n');
    expect(argv.slice(0, 3)).toEqual(['snapshot', 'restore', snapshot]);
    expect(argv).toContain('--mark-compacted');
    const ledger = parseLedger(readFileSync(join(host.home, 'main.json'), 'utf8')) as Ledger;
    expect(ledger).toMatchObject({ restored: { sha256: SHA, generation: 1, former: ['c0'] } });
    expect(ledger.at).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(host.run(`find ${host.home}/trash -type f -exec cat {} +`).stdout.toString()).toContain('"c0"');
    expect((await apply()).changes).toEqual([]);
    expect(read().snapshot).toBe('unread');
  });

  it('does without raising the revision where the tool cannot', async () => {
    tool(0, '3.5.9');
    const { written } = await apply();
    expect(written!.status).toBe(0);
    expect(readFileSync(join(host.root, 'argv'), 'utf8')).not.toContain('bump');
  });

  it('puts the log in its own place, and empty directories give way', async () => {
    mkdirSync(data, { recursive: true });
    mkdirSync(wal, { recursive: true });
    const { written } = await apply({ wal_dir: wal });
    expect([written!.status, written!.stderr]).toEqual([0, '']);
    expect(below(wal)).toBe('.\n./0-0.wal\n');
    expect(readdirSync(join(host.root, 'wal'))).toEqual(['here']);
  });

  it('leaves everything as it was where the tool fails', async () => {
    tool(1);
    const was = below(host.root).replace('./argv\n', '');
    const { written } = await apply();
    expect([written!.status, written!.stderr]).toEqual([1, expect.stringContaining('nothing was put in place')]);
    expect(below(host.root).replace('./argv\n', '')).toBe(was.replace('./mnt\n', './lib\n./mnt\n'));
    expect(existsSync(join(host.home, 'main.json'))).toBe(false);
    tool();
    expect((await apply()).written!.status).toBe(0);
  });

  it('goes on after a crash: what it had begun goes, what was renamed is written down', async () => {
    mkdirSync(`${data}.new-20300101T000000Z-abcdef/member`, { recursive: true });
    mkdirSync(`${data}.new-mine`, { recursive: true });
    expect((await apply()).written!.status).toBe(0);
    // What another hand has called so stays.
    expect(readdirSync(join(host.root, 'lib'))).toEqual(['et cd', 'et cd.new-mine']);
    host.run(`rm ${host.home}/main.json`);
    const { changes, written } = await apply();
    expect([paths(changes), written!.status]).toEqual([['ledger'], 0]);
    expect((await apply()).changes).toEqual([]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['data', () => mkdirSync(join(data, 'member/snap'), { recursive: true }), /has data of etcd/],
    ['any file', () => mkdirSync(join(data, 'x'), { recursive: true }), /has data of etcd/],
    ['a cut snapshot', () => writeFileSync(snapshot, SNAPSHOT.subarray(0, -4096)), /is no whole snapshot/],
    ['one without its end', () => writeFileSync(snapshot, SNAPSHOT.subarray(0, -32)), /is no whole snapshot/],
    ['an empty one', () => writeFileSync(snapshot, ''), /is no whole snapshot/],
    ['a flipped bit', () => writeFileSync(snapshot, Buffer.from(SNAPSHOT).fill(1, 5000, 5001)), /is no whole snapshot/],
    ['a receipt that is none', () => writeFileSync(snapshot.replace('.db', '.receipt.json'), '{'), /receipt beside/],
  ])('is refused by %s', async (_what, spoil, why) => {
    spoil();
    expect(((await plan()).changes as Refusal).refused).toMatch(why);
  });

  it('is refused while an apiserver runs, each kind named once', async () => {
    for (const pid of ['7', '8']) {
      mkdirSync(join(host.root, 'proc', pid), { recursive: true });
      writeFileSync(join(host.root, 'proc', pid, 'comm'), 'kube-apiserver\n');
    }
    expect(((await plan()).changes as Refusal).refused).toBe('kube-apiserver still runs on m1');
  });

  it('is refused by a log in its own place', async () => {
    mkdirSync(wal, { recursive: true });
    writeFileSync(join(wal, '0-0.wal'), 'x');
    expect(((await plan({ wal_dir: wal })).changes as Refusal).refused).toMatch(/has a log of etcd in/);
  });
});
