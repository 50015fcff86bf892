import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdSettings } from '../../../../src/modules/etcd/settings.ts';
import type { Change } from '../../../../src/modules/module.ts';
import type { ValueMap } from '../../../../src/value.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';
const UNIT = '/etc/systemd/system/etcd.service';
const pod = (...flags: string[]) =>
  JSON.stringify({ spec: { containers: [{ name: 'etcd', image: 'a', command: ['etcd', ...flags] }] } });

/** What read prints of one file. */
function observe(kind: string, path: string, text: string, version = '-'): string {
  const sum = createHash('sha256').update(text).digest('hex');
  return `${version} ${sum} ${path}\n${kind} ${Buffer.byteLength(text)} ${path}\n${text}`;
}

describeCases(etcdSettings, [
  {
    it: 'is converged when etcd does what is wanted',
    want: { manifest: MANIFEST, flags: { name: 'm1', 'heartbeat-interval': 100, 'pre-vote': true } },
    observed: observe('manifest', MANIFEST, pod('--pre-vote=true', '--name=m1', '--initial-cluster-state=new')),
  },
  {
    it: 'says what it would change, flag by flag',
    want: {
      manifest: MANIFEST,
      flags: { name: 'm1', 'snapshot-count': 5 },
      image: 'b',
      resources: { requests: { cpu: '1' } },
    },
    observed: observe('manifest', MANIFEST, pod('--name=m1', '--max-wals=3')),
    changes: [
      { path: '--snapshot-count', before: null, after: '5' },
      { path: '--max-wals', before: '3', after: null },
      { path: 'image', before: 'a', after: 'b' },
      { path: 'resources.requests.cpu', before: null, after: '1' },
    ],
  },
  {
    it: 'refuses a manifest that is not there',
    want: { manifest: MANIFEST, flags: {} },
    observed: '-\n',
    changes: {
      refused: 'there is no manifest of etcd',
      next: 'look at etcd_manifest_dir and etcd_configuration in the pillar',
    },
  },
  {
    it: 'refuses a manifest that it does not understand',
    want: { manifest: MANIFEST, flags: {} },
    observed: observe('manifest', MANIFEST, 'kind: Pod\n'),
    changes: {
      refused: `${MANIFEST} is no manifest of a pod with a container that runs etcd`,
      next: 'start etcd with flags alone, as kubeadm does, or let Quorate write the manifest (etcd_configuration: managed)',
    },
  },
  {
    it: 'refuses a change that it cannot make, before anything is written',
    want: { service: 'etcd', flags: { name: 'm2' } },
    observed: observe('unit', '/lib/systemd/system/etcd.service', '[Service]\nExecStart=/usr/bin/etcd --name=m1\n'),
    changes: {
      refused: 'ExecStart is in /lib/systemd/system/etcd.service, which belongs to a package',
      next: 'systemctl edit --full etcd puts a copy into /etc/systemd/system; then run again',
    },
  },
  {
    it: 'refuses a program of another version than the pillar has, where nothing installs it',
    want: { service: 'etcd', flags: {}, version: '3.5.30', asks_version: true },
    observed: observe('unit', UNIT, '[Service]\nExecStart=/usr/bin/etcd\n', '3.5.16'),
    changes: {
      refused: '/usr/bin/etcd is etcd 3.5.16, and the pillar has etcd_version: 3.5.30',
      next: 'correct etcd_version, or say with etcd_install where the programs come from',
    },
  },
]);

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
  });
  afterEach(() => host.remove());
  const path = (name: string) => join(host.root, name);

  /** As an apply: reads, makes ready, writes and reads again. */
  async function apply(given: ValueMap) {
    const want = complete(etcdSettings, given);
    const { seen, firstLine } = host.read(etcdSettings, want);
    expect(etcdSettings.fingerprint(seen)).toBe(firstLine);
    const changes = etcdSettings.diff(want as never, seen, undefined) as Change[];
    const prepared = await etcdSettings.prepare!(want as never, seen, changes, { host: 'm1' });
    if (!prepared.ok) throw new Error(prepared.failures[0]!.message);
    const written = host.write(etcdSettings.write(prepared.value, changes, { run: 'r1', react: false }));
    expect(written).toMatchObject({ status: 0, stderr: '' });
    const after = host.read(etcdSettings, want);
    expect(after.firstLine).toBe(etcdSettings.fingerprint(etcdSettings.expect(want as never, seen)));
    return {
      changes: changes.map((change) => change.path),
      left: etcdSettings.diff(want as never, after.seen, undefined),
    };
  }

  it('changes a manifest, whose mode stays and whose former self is in the trash', async () => {
    writeFileSync(path('etcd.yaml'), pod('--name=m1'));
    chmodSync(path('etcd.yaml'), 0o640);
    const result = await apply({ manifest: path('etcd.yaml'), flags: { name: 'm1', 'max-wals': 7 } });
    expect(result).toEqual({ changes: ['--max-wals'], left: [] });
    expect(readFileSync(path('etcd.yaml'), 'utf8')).toContain('- --max-wals=7');
    expect(statSync(path('etcd.yaml')).mode & 0o777).toBe(0o640);
    const kept = readdirSync(host.home, { recursive: true, encoding: 'utf8' });
    expect(kept.some((name) => name.endsWith('etcd.yaml'))).toBe(true);
  });

  it('finds unit, drop-ins and environment files, and changes a flag where it stands', async () => {
    mkdirSync(path('etcd.service.d'));
    writeFileSync(path('etcd'), '#!/bin/sh\necho "etcd Version: 3.5.30"\necho "Git SHA: x"\n', { mode: 0o755 });
    writeFileSync(path('etcd.service'), '[Service]\nExecStart=/nowhere/etcd\n');
    writeFileSync(path('etcd.service.d/1.conf'), `[Service]\nExecStart=\nExecStart=-${path('etcd')} --name=m1\n`);
    writeFileSync(path('etcd.service.d/2.conf'), '[Service]\nRestart=no\n');
    writeFileSync(path('one.env'), 'ETCD_MAX_WALS=1\nETCD_SNAPSHOT_COUNT=1\n');
    writeFileSync(path('two.env'), 'ETCD_MAX_WALS=2\n');
    const shown = `EnvironmentFiles=${path('one.env')} (ignore_errors=no)
EnvironmentFiles=${path('two.env')} (ignore_errors=yes)
EnvironmentFiles=${path('absent.env')} (ignore_errors=yes)
FragmentPath=${path('etcd.service')}
DropInPaths=${path('etcd.service.d/1.conf')} ${path('etcd.service.d/2.conf')}
`;
    writeFileSync(join(host.binaries, 'systemctl'), `#!/bin/sh\ncat <<'EOF'\n${shown}EOF\n`, { mode: 0o755 });
    const want = {
      service: 'etcd',
      flags: { name: 'm1', 'max-wals': 3, 'snapshot-count': 1 },
      version: '3.5.30',
      asks_version: true,
      program: path('etcd'),
    };
    const { seen } = host.read(etcdSettings, complete(etcdSettings, want));
    expect(seen.version).toBe('3.5.30');
    expect(seen.files.map(({ kind, path: file }: { kind: string; path: string }) => [kind, file])).toEqual([
      ['unit', path('etcd.service')],
      ['drop-in', path('etcd.service.d/1.conf')],
      ['drop-in', path('etcd.service.d/2.conf')],
      ['environment', path('one.env')],
      ['environment', path('two.env')],
    ]);
    expect(await apply(want)).toEqual({ changes: ['--max-wals'], left: [] });
    expect(readFileSync(path('two.env'), 'utf8')).toBe('ETCD_MAX_WALS=3\n');
    expect(readFileSync(path('one.env'), 'utf8')).toContain('ETCD_MAX_WALS=1\n');
  });
});
