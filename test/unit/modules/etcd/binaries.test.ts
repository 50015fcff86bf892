import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdBinaries } from '../../../../src/modules/etcd/binaries.ts';
import type { AnyModule } from '../../../../src/modules/module.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const module: AnyModule = etcdBinaries;
const WANT = { directory: '/usr/local/bin', version: '3.5.16' };
const PATH = { ...WANT, source: { path: '/opt/etcd' } };
const DEB = { ...WANT, directory: '/usr/bin', source: { package: 'etcd' } };
const NOTHING = 'etcd - etcdctl - etcdutl -\n';

describeCases(module, [
  {
    it: 'there in the right version: nothing to do',
    want: WANT,
    observed: 'etcd 3.5.16 etcdctl 3.5.16 etcdutl 3.5.16\n',
  },
  {
    it: 'etcdutl is none of 3.4',
    want: { ...WANT, version: '3.4.23' },
    observed: 'etcd 3.4.23 etcdctl 3.4.23 etcdutl -\n',
  },
  {
    it: 'any version, as long as it is one',
    want: { directory: '/b' },
    observed: 'etcd 3.4.23 etcdctl 3.4.23 etcdutl -\n',
  },
  {
    it: 'without a source, what is missing is told',
    want: WANT,
    observed: 'etcd 3.4.23 etcdctl ? etcdutl -\napt\n',
    changes: {
      refused:
        'etcd 3.5.16 is not in /usr/local/bin: etcd is 3.4.23, etcdctl does not say its version, etcdutl is missing',
      next: 'install it there, or set etcd_install (where it comes from) or etcd_bin_dir (where it is) in the pillar',
    },
  },
  {
    it: 'without a source or a version too',
    want: { directory: '/b' },
    observed: NOTHING,
    changes: {
      refused: 'etcd is not in /b: etcd is missing, etcdctl is missing, etcdutl is missing',
      next: 'install it there, or set etcd_install (where it comes from) or etcd_bin_dir (where it is) in the pillar',
    },
  },
  {
    it: 'a directory of the host says which version it is',
    want: { ...PATH, version: null },
    observed: 'etcd 3.4.23 etcdctl 3.5.16 etcdutl -\noffered etcd 3.5.16 etcdctl 3.5.16 etcdutl 3.5.16\n',
    changes: [
      { path: 'etcd', before: '3.4.23', after: '3.5.16' },
      { path: 'etcdutl', before: null, after: '3.5.16' },
    ],
  },
  {
    it: 'a directory that has another version is refused',
    want: PATH,
    observed: `${NOTHING}offered etcd 3.5.30 etcdctl 3.5.16 etcdutl -\n`,
    changes: {
      refused: 'etcd 3.5.16 is not in /opt/etcd: etcd is 3.5.30, etcdutl is missing',
      next: 'correct etcd_install or etcd_version in the pillar, or put the programs there',
    },
  },
  {
    it: 'a package that brings programs elsewhere is refused',
    want: { ...DEB, directory: '/opt/bin' },
    observed: `${NOTHING}apt\n`,
    changes: {
      refused: 'the package etcd puts its programs into /usr/bin, but etcd_bin_dir is /opt/bin',
      next: 'set etcd_bin_dir: /usr/bin',
    },
  },
  {
    it: 'a package is refused where there is no apt-get',
    want: DEB,
    observed: NOTHING,
    changes: { refused: 'this host has no apt-get for the package etcd', next: 'use a path or an archive' },
  },
  {
    it: 'a package is refused while etcd runs, because apt-get restarts it out of turn',
    want: DEB,
    observed: 'etcd 3.4.23 etcdctl 3.4.23 etcdutl -\napt\nactive\n',
    changes: {
      refused: 'apt-get would restart etcd.service, which is running, while other members may be down',
      next: 'use a path or an archive, which wait for their turn',
    },
  },
  {
    it: 'a package needs a version to be checked against',
    want: { ...DEB, version: null },
    observed: `${NOTHING}apt\n`,
    changes: { refused: 'nobody has said which version a package must bring', next: 'set etcd_version in the pillar' },
  },
]);

describe.each(SHELLS)('etcd.binaries under %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
  });
  afterEach(() => host.remove());

  /** Programs that say what etcd's say. */
  function put(directory: string, version: string): string {
    const whole = join(host.root, directory);
    mkdirSync(whole, { recursive: true });
    const first = { etcd: 'etcd Version', etcdctl: 'etcdctl version', etcdutl: 'etcdutl version' };
    for (const [program, words] of Object.entries(first)) {
      const text = `#!/bin/sh\n[ -z "$ETCDCTL_ENDPOINTS" ] || exit 1\nprintf '${words}: ${version}\\nAPI version: 3.5\\n'\n`;
      writeFileSync(join(whole, program), text);
      chmodSync(join(whole, program), 0o755);
    }
    return whole;
  }

  it('takes them from a directory, and keeps what was there', () => {
    const path = put('new', '3.5.16');
    const directory = put('bin', '3.5.15');
    const old = readFileSync(join(directory, 'etcd'), 'utf8');
    const { changes, left, written } = host.apply(module, { directory, version: '3.5.16', source: { path } });
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(changes).toHaveLength(3);
    expect(left).toEqual([]);
    expect(readFileSync(join(host.home, 'trash/r1/1/etcd'), 'utf8')).toBe(old);
    expect(readdirSync(directory).sort()).toEqual(['etcd', 'etcdctl', 'etcdutl']);
  });

  it('asks the source nothing where there is nothing to do', () => {
    const path = join(host.root, 'new');
    const log = join(host.root, 'log');
    mkdirSync(path);
    for (const program of ['etcd', 'etcdctl', 'etcdutl']) {
      writeFileSync(join(path, program), `#!/bin/sh\necho ${program} >>${log}\n`);
      chmodSync(join(path, program), 0o755);
    }
    for (const [version, server] of [
      ['3.5.16', true],
      ['3.5.16', false],
      ['3.4.23', true],
    ] as const) {
      const want = complete(module, { directory: put(`bin ${version}`, version), server, version, source: { path } });
      const { seen } = host.read(module, want);
      expect(module.diff(want, seen, undefined)).toEqual([]);
    }
    expect(existsSync(log)).toBe(false);
    const want = complete(module, { directory: join(host.root, 'bin 3.4.23'), version: '3.5.16', source: { path } });
    host.read(module, want);
    expect(existsSync(log)).toBe(true);
  });

  it('asks a program once that stays as it is, and again whatever has happened to it', () => {
    const directory = join(host.root, 'bin');
    const log = join(host.root, 'asked');
    mkdirSync(directory);
    // A real program, whose word is in a file: the shell takes the argument for a script.
    writeFileSync(join(host.root, 'version'), `echo >>${log}; echo etcdctl version: 3.5.16\n`);
    const place = (program: string) => copyFileSync('/bin/bash', join(directory, program));
    place('etcdctl');
    place('etcdutl');
    const asked = (settings = 'q_locking=y', ahead = 9) => {
      writeFileSync(log, '');
      const script = module
        .read(complete(module, { directory, server: false }))
        .replaceAll('/run/quorate.versions', join(host.home, 'versions'));
      const { stdout, stderr } = host.run(`${settings} q_clock=$(($(date +%s) + ${ahead}))\n${script}`);
      expect([String(stdout), stderr]).toEqual(['etcdctl 3.5.16 etcdutl 3.5.16\n', '']);
      return readFileSync(log, 'utf8').length;
    };
    // Who only reads leaves nothing behind.
    expect([asked(''), asked(''), readdirSync(host.home)]).toEqual([2, 2, []]);
    expect([asked(), asked(), asked('')]).toEqual([2, 0, 0]);
    place('etcdctl');
    expect([asked(), asked()]).toEqual([1, 0]);
    const { atime, mtime } = statSync(join(directory, 'etcdutl'));
    copyFileSync('/bin/bash', join(directory, 'other'));
    utimesSync(join(directory, 'other'), atime, mtime);
    renameSync(join(directory, 'other'), join(directory, 'etcdutl'));
    expect([asked(), asked()]).toEqual([1, 0]);
    chmodSync(join(directory, 'etcdutl'), 0o700);
    expect([asked(), asked()]).toEqual([1, 0]);
    // Changed a moment ago: it may be changed again without showing it.
    place('etcdctl');
    expect([asked('q_locking=y', 0), asked('')]).toEqual([1, 1]);
    // A link may lead elsewhere, and a script may run something else, without having changed.
    symlinkSync(join(directory, 'etcdutl'), join(directory, 'link'));
    renameSync(join(directory, 'link'), join(directory, 'etcdctl'));
    expect([asked(), asked()]).toEqual([1, 1]);
    renameSync(put('scripts', '3.5.16'), join(host.root, 'old'));
    renameSync(join(host.root, 'old/etcdctl'), join(directory, 'etcdctl'));
    expect([asked(), readFileSync(join(host.home, 'versions'), 'utf8').match(/etcdctl$/gm)?.length]).toEqual([0, 2]);
  });

  it('makes the directory, and takes them from an archive with the right checksum', async () => {
    put('etcd-v3.5.16-linux-amd64', '3.5.16');
    const archive = join(host.root, 'etcd.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', host.root, 'etcd-v3.5.16-linux-amd64']);
    const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
    const directory = join(host.root, 'a/b');
    const given = { directory, version: '3.5.16', source: { archive, sha256 } };
    expect(host.apply(module, given)).toMatchObject({ left: [], written: { status: 0 } });
    expect(readdirSync(directory).sort()).toEqual(['etcd', 'etcdctl', 'etcdutl']);

    const sent = join(host.root, 'c');
    const want = complete(module, { ...given, directory: sent });
    const { seen } = host.read(module, want);
    const prepared = await etcdBinaries.prepare!(want as never, { ...(seen as object), archive: false } as never, [], {
      host: 'm1',
    });
    if (!prepared.ok) throw new Error('not prepared');
    const changes = etcdBinaries.diff(prepared.value, seen as never, undefined);
    const script = etcdBinaries.write(prepared.value, changes as never, { run: 'r1', react: false });
    expect(script.inputs?.map(({ directory: beside }) => beside)).toEqual(['/var/tmp']);
    expect(host.write(script)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(sent).sort()).toEqual(['etcd', 'etcdctl', 'etcdutl']);
  });

  it('puts nothing there from an archive with another checksum, or of another version', () => {
    put('etcd', '3.5.16');
    const archive = join(host.root, 'etcd.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', host.root, 'etcd']);
    const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
    const directory = join(host.root, 'bin');
    const refused = (version: string, sum: string) => {
      const { written } = host.apply(module, { directory, version, source: { archive, sha256: sum } });
      expect(readdirSync(directory)).toEqual([]);
      return written!.stderr;
    };
    const wrong = '0'.repeat(64);
    expect(refused('3.5.16', wrong)).toBe(`${archive} has the sha256 ${sha256}, not ${wrong}\n`);
    expect(refused('3.5.17', sha256)).toMatch(/\/etcd is version 3\.5\.16, not 3\.5\.17\n$/);
  });

  it('keeps the unit of a package from starting meanwhile, whatever comes of it', () => {
    const log = join(host.root, 'log');
    const say = (name: string, more = '') => {
      writeFileSync(join(host.binaries, name), `#!/bin/sh\necho ${name} "$@" >>${log}\n${more}`);
      chmodSync(join(host.binaries, name), 0o755);
    };
    say('systemctl');
    say('apt-get', 'exit 100\n');
    if (existsSync('/etc/systemd/system/etcd.service')) return;
    const want = complete(module, DEB);
    const changes = [{ path: 'etcd', before: null, after: '3.5.16' }];
    const written = host.write(module.write(want, changes, { run: 'r1', react: false }));
    expect(written.status).not.toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'systemctl -q mask --runtime etcd.service',
      'apt-get install -q -y --no-install-recommends etcd',
      'systemctl -q disable etcd.service',
      'systemctl -q unmask --runtime etcd.service',
    ]);
  });
});
