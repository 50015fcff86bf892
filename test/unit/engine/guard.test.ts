// What a host says for the guard of the beginning, by each shell, with an etcd and an etcdctl that are not etcd's.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { guardScript, parseGuard } from '../../../src/engine/guard.ts';
import { memberStatusScript } from '../../../src/engine/member.ts';
import { formatLedger, formatMarker, type Ledger, type Marker } from '../../../src/etcd/ledger.ts';
import { initialCluster } from '../../../src/etcd/members.ts';
import type { ValueMap } from '../../../src/value.ts';
import { Host, SHELLS } from '../modules/host.ts';

const DECLARED = ['m1', 'm2'].map((host, n) => ({ host, name: host, peerUrl: `https://10.0.0.${n + 1}:2380` }));
const LEDGER: Ledger = {
  cluster: 'main',
  clusterId: 'c1',
  members: DECLARED.map(({ name, peerUrl }, n) => ({ name, id: `${n + 1}`, peerUrl })),
  at: '2026-01-01T00:00:00.000Z',
};
const MARKER: Marker = { cluster: 'main', token: 'begun', initialCluster: initialCluster(DECLARED) };
const LIST = '{"members":[{"ID":1,"name":"m1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":["x"]}]}';

let server: Server;
let port: number;
let host: Host;

beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => server.close());
afterEach(() => host.remove());

function put(path: string, text: string, mode = 0o644): void {
  const file = join(host.root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function pillar(more: ValueMap = {}): ValueMap {
  const at = (name: string) => join(host.root, name);
  return {
    etcd_bin_dir: at("bin of m'1"),
    etcd_data_dir: at('a/data'),
    etcd_pki_dir: at('pki'),
    etcd_client_port: port,
    etcd_peer_port: 1,
    ...more,
  };
}

/** Of this host, whose /var/lib/quorate is elsewhere. */
function ask(more: ValueMap = {}, cluster: Parameters<typeof guardScript>[1] = { name: 'main', service: 'etcd' }) {
  const script = guardScript(pillar(more), cluster, DECLARED)!;
  const { status, stdout, stderr } = host.run(
    `export ETCDCTL_ENDPOINTS=http://elsewhere https_proxy=http://proxy\n${script.replaceAll('/var/lib/quorate', host.home)}`,
  );
  expect([status, stderr]).toEqual([0, '']);
  return parseGuard(stdout)!;
}

function calls(): string[] {
  const file = join(host.root, 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

describe.each(SHELLS)('a host with %s', (shell) => {
  beforeEach(() => {
    host = new Host(shell);
    for (const name of ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key']) put(`pki/${name}`, 'x');
    put(
      "bin of m'1/etcdctl",
      `#!/bin/sh\necho "$*" >>'${host.root}/calls'\nenv | grep -i -e ^ETCDCTL -e proxy >'${host.root}/env'\necho '${LIST}'\n`,
      0o755,
    );
  });

  it('that is bare says so, with its space and who holds its ports', () => {
    const told = ask();
    expect(told).toMatchObject({ hasData: false, freeBytes: expect.any(Number) });
    expect(told.busyPorts).toEqual([{ port, holder: expect.stringMatching(new RegExp(`\\(pid ${process.pid}\\)$`)) }]);
    expect(told).not.toHaveProperty('ledger');
    expect(told).not.toHaveProperty('marker');
  });

  it('that has a member says nothing of its ports', () => {
    mkdirSync(join(host.root, 'a/data/member'), { recursive: true });
    expect(ask()).toMatchObject({ hasData: true, busyPorts: [] });
  });

  it('that knows restores says which are open, of this cluster, and which are at their end', () => {
    const restore = (run: string, cluster: string, ...ends: string[]) => {
      mkdirSync(join(host.home, 'restores', run), { recursive: true });
      writeFileSync(join(host.home, 'restores', run, 'restore.json'), JSON.stringify({ run, cluster }, undefined, 2));
      for (const end of ends) writeFileSync(join(host.home, 'restores', run, end), '');
    };
    expect(ask()).not.toHaveProperty('openRestores');
    restore('r1', 'main', 'done');
    restore('r2', 'main', 'undone');
    restore('r3', 'main-events');
    expect(ask()).toMatchObject({ endedRestores: ['r1', 'r2'] });
    expect(ask()).not.toHaveProperty('openRestores');
    restore('r4', 'main');
    expect(ask()).toMatchObject({ openRestores: ['r4'] });
  });

  it('whose ledger names the declared members asks etcd nothing', () => {
    writeFileSync(join(host.home, 'main.json'), formatLedger(LEDGER));
    writeFileSync(join(host.home, 'main.bootstrap'), formatMarker(MARKER));
    const told = ask();
    expect(told).toMatchObject({ ledger: LEDGER, marker: MARKER });
    expect(told).not.toHaveProperty('members');
    expect(calls()).toEqual([]);
  });

  it('whose ledger names others asks for the list, over TLS, with nothing of the environment', () => {
    writeFileSync(join(host.home, 'main.json'), formatLedger({ ...LEDGER, members: LEDGER.members.slice(1) }));
    expect(ask().members).toMatchObject([{ id: '1', name: 'm1' }]);
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toMatch(
      new RegExp(
        `^--endpoints=https://127.0.0.1:${port} --cacert=${host.root}/pki/ca.crt --cert=\\S+client.crt --key=\\S+client.key .*member list -w json$`,
      ),
    );
    expect(readFileSync(join(host.root, 'env'), 'utf8')).toBe('ETCDCTL_API=3\n');
  });

  it('that lacks a certificate asks nobody, and says which', () => {
    rmSync(join(host.root, 'pki/healthcheck-client.crt'));
    expect(ask()).not.toHaveProperty('members');
    const { stdout, stderr } = host.run(memberStatusScript(pillar())!);
    expect([stdout.toString(), stderr]).toEqual([
      '',
      `the member cannot be asked: there is no ${host.root}/pki/healthcheck-client.crt\n`,
    ]);
    expect(calls()).toEqual([]);
  });

  it('whose ledger or marker is no such thing says that, not that there is none', () => {
    for (const text of ['', '{}', 'a\tb\n\nmarker x\nwhole\n', '\0\0\n', formatLedger(LEDGER).slice(0, -20)]) {
      writeFileSync(join(host.home, 'main.json'), text);
      writeFileSync(join(host.home, 'main.bootstrap'), text);
      expect([text, ask()]).toMatchObject([text, { ledger: 'damaged', marker: 'damaged' }]);
    }
  });

  it.each(['json', 'bootstrap'])('says that it has an events cluster that the pillar does not have (.%s)', (kind) => {
    expect(ask()).not.toHaveProperty('forgottenEvents');
    writeFileSync(join(host.home, `main-events.${kind}`), '{}');
    expect(ask()).toMatchObject({ forgottenEvents: true });
    expect(ask({ etcd_events: true })).not.toHaveProperty('forgottenEvents');
    const events = { name: 'main-events', service: 'etcd-events', eventsOf: 'main' } as const;
    expect(ask({}, events)).not.toHaveProperty('forgottenEvents');
  });

  it('says which etcd is installed, where that decides', () => {
    put("bin of m'1/etcd", '#!/bin/sh\necho "etcd Version: 3.5.16"\necho "Git SHA: x"\n', 0o755);
    expect(ask({ etcd_client_port: 2 })).toMatchObject({ installed: '3.5.16' });
    expect(ask({ etcd_client_port: 2, etcd_version: '3.5.16' })).not.toHaveProperty('installed');
    mkdirSync(join(host.root, 'a/data/member'), { recursive: true });
    expect(ask({ etcd_client_port: 2 })).not.toHaveProperty('installed');
  });
});

test('an answer that was cut off counts as none', () => {
  host = new Host('dash');
  expect(parseGuard(Buffer.from('data no\nfree 12\n'))).toBeUndefined();
  expect(parseGuard(Buffer.from(''))).toBeUndefined();
});

test('what is not said to be no data is data', () => {
  host = new Host('dash');
  expect(parseGuard(Buffer.from('whole\n'))).toEqual({ hasData: true, busyPorts: [] });
});
