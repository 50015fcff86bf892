// Which kubelet goes with which control plane, and how one comes to a host.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, test } from 'vitest';
import { kubernetesKubelet } from '../../../../src/modules/kubernetes/kubelet.ts';
import type { AnyModule } from '../../../../src/modules/module.ts';
import type { ValueMap } from '../../../../src/value.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const module: AnyModule = kubernetesKubelet;
const PATH = '/usr/bin/kubelet';

const differ = (kubernetes_version: string | null, seen: string) => {
  const want = complete(module, { path: PATH, kubernetes_version });
  const said = module.diff(want, { version: seen, archive: false, apt: false }, undefined);
  return Array.isArray(said) ? 'ok' : said.refused;
};
const WRONG = (plane: string, why: string) => `which does not go with a control plane of ${plane}: ${why}`;

test.each([
  ['1.34.1', '1.34.0', 'ok'],
  ['1.34.1', '1.31.9', 'ok'],
  ['1.34.1', '1.30.9', WRONG('1.34.1', 'it is more than 3 minor versions behind')],
  ['1.22.0', '1.20.2', 'ok'],
  ['1.23.0', '1.20.2', WRONG('1.23.0', 'it is more than 2 minor versions behind')],
  ['1.20.2', '1.21.0', WRONG('1.20.2', 'a kubelet is never newer than its API server')],
  ['1.20.2', '?', WRONG('1.20.2', 'its version cannot be read')],
  ['1.20.2', '-', 'there is no kubelet at /usr/bin/kubelet'],
  [null, '-', 'there is no kubelet at /usr/bin/kubelet'],
  [null, '1.9.0', 'ok'],
])('a control plane of %s and a kubelet of %s: %s', (plane, kubelet, expected) => {
  expect(differ(plane, kubelet)).toContain(expected);
});

const DEB = { path: PATH, version: '1.34.1', source: { package: 'kubelet=1.34.1-1.1' } };
const FILE = { path: PATH, version: '1.34.1', source: { path: '/opt/kubelet' } };
const change = (before: string | null) => [{ path: 'version', before, after: '1.34.1' }];

describeCases(module, [
  { it: 'the wanted version is there', want: FILE, observed: '1.34.1\n' },
  {
    it: 'a missing one comes from a file of the host',
    want: FILE,
    observed: '-\noffered 1.34.1\n',
    changes: change(null),
  },
  {
    it: 'another one is replaced, by a file of the controller too',
    want: FILE,
    observed: '1.33.0\n',
    changes: change('1.33.0'),
  },
  { it: 'a missing one comes from a package', want: DEB, observed: '-\napt\n', changes: change(null) },
  {
    it: 'a file of another version is refused',
    want: FILE,
    observed: '-\noffered 1.34.2\n',
    changes: { refused: '/opt/kubelet is 1.34.2, and kubelet_version is 1.34.1', next: 'correct one of the two' },
  },
  {
    it: 'a file that is no program is refused',
    want: FILE,
    observed: '-\noffered -\n',
    changes: { refused: '/opt/kubelet is no program, and kubelet_version is 1.34.1', next: 'correct one of the two' },
  },
  {
    it: 'a package is refused without apt-get',
    want: DEB,
    observed: '-\n',
    changes: {
      refused: 'this host has no apt-get for the package kubelet=1.34.1-1.1',
      next: 'use a path or an archive',
    },
  },
  {
    it: 'a package is refused elsewhere than where it puts its kubelet',
    want: { ...DEB, path: '/opt/bin/kubelet' },
    observed: '-\napt\n',
    changes: {
      refused: 'the package kubelet=1.34.1-1.1 puts its kubelet into /usr/bin, but kubelet_bin is /opt/bin/kubelet',
      next: 'set kubelet_bin: /usr/bin/kubelet',
    },
  },
  {
    it: 'a kubelet of another name is refused',
    want: { ...FILE, path: '/opt/bin/kubelet-1.34' },
    observed: '-\noffered 1.34.1\n',
    changes: {
      refused: 'the kubelet that is installed is called kubelet, but kubelet_bin is /opt/bin/kubelet-1.34',
      next: 'let kubelet_bin end in /kubelet',
    },
  },
  {
    it: 'another version is refused where nobody says where the right one comes from',
    want: { path: PATH, version: '1.34.1' },
    observed: '1.33.0\n',
    changes: {
      refused: '/usr/bin/kubelet is 1.33.0, and kubelet_version is 1.34.1',
      next: 'install that one, or set kubelet_install (where it comes from), or correct kubelet_version',
    },
  },
  {
    it: 'one that is newer than its API server is refused, though it is the wanted one',
    want: { ...FILE, kubernetes_version: '1.33.0' },
    observed: '1.34.1\n',
    changes: {
      refused:
        '/usr/bin/kubelet is 1.34.1, which does not go with a control plane of 1.33.0: a kubelet is never newer than its API server',
      next: 'install a kubelet of the same minor version (kubelet_install, kubelet_version), or correct kubernetes_version',
    },
  },
]);

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  const open = () => {
    host = new Host(shell);
    return host;
  };
  afterEach(() => host.remove());

  function put(path: string, version: string): string {
    const file = join(host.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n[ "$1" = --version ] && echo 'Kubernetes v${version}'\n`, { mode: 0o755 });
    return file;
  }
  function archive(version: string): { archive: string; sha256: string } {
    put('kubernetes/node/bin/kubelet', version);
    put('kubernetes/node/bin/kube-proxy', version);
    const file = join(host.root, 'node.tar.gz');
    execFileSync('tar', ['-czf', file, '-C', host.root, 'kubernetes']);
    return { archive: file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
  }
  /** As where only the controller has the file. */
  async function send(given: ValueMap, seen: object) {
    const want = complete(module, given);
    const prepared = await module.prepare!(want, seen, [], { host: 'm1' });
    if (!prepared.ok) throw new Error(prepared.failures[0]!.message);
    return host.write(module.write(prepared.value, change(null), { run: 'r1', react: false }));
  }

  it.each([
    ['Kubernetes v1.20.2', '1.20.2'],
    ['Kubernetes v1.34.1-rc.0 extra', '1.34.1-rc.0'],
    ['something else', '?'],
  ])('%s is read as %s', (said, version) => {
    const path = join(open().root, 'kubelet');
    const ask = () => host.read(module, complete(module, { path })).seen;
    expect(ask()).toMatchObject({ version: '-' });
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo '${said}'\n`, { mode: 0o755 });
    expect(ask()).toMatchObject({ version });
  });

  it('asks the source nothing where there is nothing to do', () => {
    open();
    const path = put('bin/kubelet', '1.34.1');
    const log = join(host.root, 'log');
    const source = join(host.root, 'source');
    writeFileSync(source, `#!/bin/sh\necho asked >${log}\n`, { mode: 0o755 });
    host.read(module, complete(module, { path, version: '1.34.1', source: { path: source } }));
    expect(existsSync(log)).toBe(false);
    host.read(module, complete(module, { path, version: '1.34.2', source: { path: source } }));
    expect(existsSync(log)).toBe(true);
  });

  it('takes it from a file, and keeps what was there', () => {
    open();
    const source = put('new/kubelet-1.34', '1.34.1');
    const path = put('bin/kubelet', '1.33.0');
    const old = readFileSync(path, 'utf8');
    const { changes, left, written } = host.apply(module, { path, version: '1.34.1', source: { path: source } });
    expect([changes, left, written]).toMatchObject([[{ before: '1.33.0' }], [], { status: 0, stderr: '' }]);
    expect(readFileSync(join(host.home, 'trash/r1/1/kubelet'), 'utf8')).toBe(old);
    expect(readdirSync(dirname(path))).toEqual(['kubelet']);
  });

  it('takes the kubelet alone from an archive with the right checksum', () => {
    open();
    const source = archive('1.34.1');
    const path = join(host.root, 'bin/kubelet');
    expect(host.apply(module, { path, version: '1.34.1', source })).toMatchObject({ left: [], written: { status: 0 } });
    expect(readdirSync(dirname(path))).toEqual(['kubelet']);
  });

  it('is sent a file or an archive that only the controller has', async () => {
    open();
    const source = archive('1.34.1');
    const nothing = { version: '-', archive: false, apt: false };
    for (const from of [source, { path: put('there/kubelet', '1.34.1') }]) {
      const path = join(host.root, `bin-${Object.keys(from)[0]}/kubelet`);
      const written = await send({ path, version: '1.34.1', source: from }, nothing);
      expect(written).toMatchObject({ status: 0, stderr: '' });
      expect(host.read(module, complete(module, { path })).seen).toMatchObject({ version: '1.34.1' });
      expect(readdirSync(dirname(path))).toEqual(['kubelet']);
    }
    const missing = { path: join(host.root, 'x/kubelet'), version: '1.34.1', source: { path: '/nowhere/kubelet' } };
    await expect(send(missing, nothing)).rejects.toThrow('neither the host nor the controller has it');
  });

  it('puts nothing there of another checksum or another version, and leaves the old one', () => {
    open();
    const source = archive('1.34.1');
    const path = put('bin/kubelet', '1.33.0');
    const said = (version: string, from: ValueMap) =>
      host.apply(module, { path, version, source: from }).written!.stderr;
    const wrong = '0'.repeat(64);
    expect(said('1.34.1', { ...source, sha256: wrong })).toContain(`has the sha256 ${source.sha256}, not ${wrong}`);
    expect(said('1.34.2', source)).toMatch(/kubelet is version 1\.34\.1, not 1\.34\.2\n$/);
    expect(host.read(module, complete(module, { path })).seen).toMatchObject({ version: '1.33.0' });
    expect(readdirSync(dirname(path))).toEqual(['kubelet']);
  });

  it('keeps the unit of a package from starting meanwhile, whatever comes of it', () => {
    const log = join(open().root, 'log');
    for (const [name, more] of [
      ['systemctl', ''],
      ['apt-get', 'exit 100\n'],
    ] as const) {
      writeFileSync(join(host.binaries, name), `#!/bin/sh\necho ${name} "$@" >>${log}\n${more}`, { mode: 0o755 });
    }
    if (existsSync('/etc/systemd/system/kubelet.service')) return;
    const script = module.write(complete(module, DEB), change(null), { run: 'r1', react: false });
    expect(host.write(script).status).not.toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'systemctl -q mask --runtime kubelet.service',
      'apt-get install -q -y --no-install-recommends --allow-change-held-packages kubelet=1.34.1-1.1',
      'systemctl -q unmask --runtime kubelet.service',
    ]);
  });
});
