// A member's data kept aside for a restore and taken back, on a real file system, under every shell: nothing is ever lost.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatLedger, type Ledger, parseLedger } from '../../../../src/etcd/ledger.ts';
import type { AsideId } from '../../../../src/modules/etcd/aside.ts';
import { parseAside } from '../../../../src/modules/etcd/aside.ts';
import { etcdSetAside } from '../../../../src/modules/etcd/set_aside.ts';
import { etcdTakenBack } from '../../../../src/modules/etcd/taken_back.ts';
import type { AnyModule } from '../../../../src/modules/module.ts';
import { complete } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const SHA = 'f'.repeat(64);
const MEMBERS = [{ name: 'm1', id: '1', peerUrl: 'https://10.0.0.1:2380' }];
const OLD: Ledger = { cluster: 'main', clusterId: 'c0', members: MEMBERS, at: 'then' };
const NEW: Ledger = {
  cluster: 'main',
  clusterId: 'c1',
  token: 't1',
  members: MEMBERS,
  at: 'then',
  restored: { sha256: SHA, generation: 2, former: ['c0'] },
};

it.each(['', 'none', 'none\tnone\tno\tno\tno'])('%j is no reading', (text) => {
  expect(() => parseAside({ stdout: Buffer.from(text) })).toThrow();
});

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  let want: AsideId;
  let takeBack: AsideId & { sha256: string; generation: number };
  beforeEach(() => {
    host = new Host(shell);
    want = complete(etcdSetAside, {
      cluster: 'main',
      data_dir: join(host.root, "lib/it's etcd"),
      wal_dir: join(host.root, 'wal'),
      run: 'r7',
    }) as AsideId;
    takeBack = { ...want, sha256: SHA, generation: 2 };
    mkdirSync(join(host.root, 'lib'));
    mkdirSync(join(host.root, 'proc'));
    data('old');
    writeFileSync(join(host.home, 'main.json'), formatLedger(OLD));
  });
  afterEach(() => host.remove());

  function data(text: string): void {
    mkdirSync(join(want.data_dir, 'member'), { recursive: true });
    writeFileSync(join(want.data_dir, 'member/db'), text);
    mkdirSync(want.wal_dir!, { recursive: true });
    writeFileSync(join(want.wal_dir!, '0.wal'), text);
  }
  const text = (path: string) => readFileSync(path, 'utf8');
  const ledger = () => parseLedger(text(join(host.home, 'main.json'))) as Ledger;
  // This machine may well run an API server.
  const here = (script: string) =>
    script.replaceAll('/var/lib/quorate', host.home).replaceAll('/proc/[0-9]*', `${host.root}/proc/[0-9]*`);

  function read(module: AnyModule) {
    const said = host.run(here(module.read(want)));
    expect(said).toMatchObject({ status: 0, stderr: '' });
    const seen = module.parse(said);
    expect(module.fingerprint(seen)).toBe(said.stdout.toString().split('\n')[0]);
    return seen;
  }

  function apply(module: AnyModule): string[] {
    const seen = read(module);
    const wanted = module === etcdTakenBack ? takeBack : want;
    const changes = module.diff(wanted, seen, undefined);
    if (!Array.isArray(changes)) throw new Error(changes.refused);
    if (changes.length === 0) return [];
    expect(module.diff(wanted, module.expect(wanted, seen), undefined)).toEqual([]);
    const { script } = module.write(wanted, changes, { run: 'r1', react: false });
    expect(host.run(here(script))).toMatchObject({ status: 0, stderr: '' });
    expect(module.diff(wanted, read(module), undefined)).toEqual([]);
    return changes.map(({ path }) => path);
  }

  function restored(): void {
    data('new');
    writeFileSync(join(host.home, 'main.json'), formatLedger(NEW));
  }

  it('keeps data, log and ledger, and what is there afterwards is not touched again', () => {
    expect(apply(etcdSetAside)).toEqual(['path', 'path']);
    expect(text(join(`${want.data_dir}.pre-r7`, 'member/db'))).toBe('old');
    expect(text(join(`${want.wal_dir}.pre-r7`, '0.wal'))).toBe('old');
    expect(text(join(host.home, 'restores/r7/main.json'))).toBe(formatLedger(OLD));
    expect(existsSync(want.data_dir)).toBe(false);
    restored();
    expect(apply(etcdSetAside)).toEqual([]);
    expect(text(join(want.data_dir, 'member/db'))).toBe('new');
  });

  it('goes on where it was interrupted between the log and the data', () => {
    expect(host.run(`mv "$1" "$1.pre-r7"`, [want.wal_dir!]).status).toBe(0);
    expect(apply(etcdSetAside)).toEqual(['path']);
    expect(text(join(`${want.data_dir}.pre-r7`, 'member/db'))).toBe('old');
  });

  it('has nothing to do on an empty disk', () => {
    host.run('rm -rf "$1" "$2"', [want.data_dir, want.wal_dir!]);
    expect(apply(etcdSetAside)).toEqual([]);
  });

  it.each(['etcd', 'kube-apiserver'])('refuses to move anything under a %s that runs', (name) => {
    mkdirSync(join(host.root, 'proc/7'));
    writeFileSync(join(host.root, 'proc/7/comm'), `${name}\n`);
    const script = here(etcdSetAside.read(want))
      .replaceAll('"/proc/$q_pid/', `"${host.root}/proc/$q_pid/`)
      .replaceAll('#/proc/}', '##*/}');
    writeFileSync(join(host.root, 'proc/7/cmdline'), `etcd\0--data-dir=${want.data_dir}\0`);
    writeFileSync(join(host.root, 'proc/7/environ'), '');
    const seen = etcdSetAside.parse(host.run(script));
    const refusal = {
      refused: `${name} still runs: data is not moved under what works with it`,
      next: 'end it (`ss -ltnp` shows what listens), then go on',
    };
    expect(etcdSetAside.diff(want, seen, undefined)).toEqual(refusal);
    expect(etcdTakenBack.diff(takeBack, { ...seen, pre: true }, undefined)).toEqual(refusal);
  });

  it('refuses while something listens', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as { port: number };
    const seen = etcdSetAside.parse(host.run(here(etcdSetAside.read({ ...want, ports: [port] }))));
    server.close();
    expect(etcdSetAside.diff(want, seen, undefined)).toMatchObject({
      refused: `something still listens on ${port}: data is not moved under what works with it`,
    });
  });

  it('takes a restore back, keeps what was restored, and remembers its cluster as given up', () => {
    apply(etcdSetAside);
    restored();
    expect(apply(etcdTakenBack)).toEqual(['path', 'path', 'ledger']);
    expect(text(join(want.data_dir, 'member/db'))).toBe('old');
    expect(text(join(want.wal_dir!, '0.wal'))).toBe('old');
    expect(text(join(`${want.data_dir}.restored-r7`, 'member/db'))).toBe('new');
    expect(text(join(`${want.wal_dir}.restored-r7`, '0.wal'))).toBe('new');
    expect(ledger()).toMatchObject({ clusterId: 'c0', undone: ['c1'] });
    expect(apply(etcdTakenBack)).toEqual([]);
  });

  it('takes a second restore back to the first', () => {
    const first = { ...NEW, clusterId: 'c2', restored: { sha256: SHA, generation: 1, former: ['c9'] } };
    writeFileSync(join(host.home, 'main.json'), formatLedger(first));
    apply(etcdSetAside);
    restored();
    apply(etcdTakenBack);
    expect(ledger()).toEqual({ ...first, at: expect.any(String), undone: ['c1'] });
    expect(text(join(want.data_dir, 'member/db'))).toBe('old');
  });

  it('goes on where taking back was interrupted between the two renames', () => {
    apply(etcdSetAside);
    restored();
    host.run('mv "$1" "$1.restored-r7"; mv "$2" "$2.restored-r7"', [want.data_dir, want.wal_dir!]);
    apply(etcdTakenBack);
    expect(text(join(want.data_dir, 'member/db'))).toBe('old');
    expect(ledger().clusterId).toBe('c0');
  });

  it('only puts aside what was restored on a disk that had been empty, and its ledger goes to the trash', () => {
    host.run('rm -rf "$1" "$2"', [want.data_dir, want.wal_dir!]);
    host.run(`rm -f '${join(host.home, 'main.json')}'`);
    apply(etcdSetAside);
    restored();
    apply(etcdTakenBack);
    expect(existsSync(want.data_dir)).toBe(false);
    expect(text(join(`${want.data_dir}.restored-r7`, 'member/db'))).toBe('new');
    expect(existsSync(join(host.home, 'main.json'))).toBe(false);
    expect(readdirSync(join(host.home, 'trash/r1')).length).toBeGreaterThan(0);
  });

  it('leaves the data of an earlier restore where it is, when this one had moved nothing yet', () => {
    for (const generation of [1, 3]) {
      writeFileSync(
        join(host.home, 'main.json'),
        formatLedger({ ...NEW, restored: { sha256: SHA, generation, former: [] } }),
      );
      expect(apply(etcdTakenBack)).toEqual([]);
      expect(text(join(want.data_dir, 'member/db'))).toBe('old');
    }
  });

  it('has nothing to take back where nothing was moved', () => {
    expect(apply(etcdTakenBack)).toEqual([]);
    expect(text(join(want.data_dir, 'member/db'))).toBe('old');
  });

  it('does not guess with a ledger that cannot be read', () => {
    writeFileSync(join(host.home, 'main.json'), '{"quorate": "led');
    expect(etcdTakenBack.diff(takeBack, read(etcdTakenBack), undefined)).toMatchObject({
      refused: expect.stringContaining('cannot be read'),
    });
  });
});
