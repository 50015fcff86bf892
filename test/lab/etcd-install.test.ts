// etcd's programs on real hosts, from every source there is, and from one version to the next under a serving cluster.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';
import { cacheFolder } from '../../lab/settings.ts';
import { openRig, type Rig, type RunDocument } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const PKI = '/etc/kubernetes/pki/etcd';
const TLS = `--cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
const sh = $({ quiet: true });
let rig: Rig;
/** Of 3.5, oldest first. */
let versions: string[];

beforeAll(async () => {
  rig = await openRig('tinstall', '10.213.79', 3);
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n').filter((version) => version.startsWith('3.5.'));
  versions = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  expect(versions.length).toBeGreaterThan(1);
});
afterAll(() => rig?.close());

function pillar(install: string, version: string | undefined, more = ''): void {
  rig.write({
    'pillar/defaults.yaml': `etcd_runtime: systemd\netcd_version: ${version}\netcd_install: ${install}\n${more}`,
  });
}

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

/** The version that each member runs. */
async function running(): Promise<string[]> {
  const { document } = await rig.json('status');
  const { clusters } = document as unknown as { clusters: { members: { status: { version: string } }[] }[] };
  return clusters[0]!.members.map(({ status }) => status.version);
}

function outcomes(document: RunDocument, resource: string): string[] {
  return document.results.filter((one) => one.resource.endsWith(`/${resource}`)).map(({ outcome }) => outcome);
}

/** A release's archive, as etcd publishes them: everything in a folder of its own. On the controller. */
async function archive(version: string): Promise<{ file: string; sha256: string }> {
  const file = join(rig.folder, `etcd-v${version}-linux-amd64.tar.gz`);
  const base = JSON.parse(readFileSync(join(dirname(rig.lab.inventoryPath), 'lab.json'), 'utf8')).base;
  await sh`tar -C ${join(base, 'opt/etcd')} -czf ${file} --transform ${`s,^${version},etcd-v${version}-linux-amd64,`} ${version}`;
  return { file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
}

/** An apt source on each host, with Debian's own packages of that version, and one that names them both. */
async function repository(version: string): Promise<void> {
  const folder = join(rig.folder, 'debs');
  const control = join(folder, 'etcd/DEBIAN');
  mkdirSync(control, { recursive: true });
  writeFileSync(
    join(control, 'control'),
    `Package: etcd\nVersion: ${version}\nArchitecture: all\nMaintainer: the lab <root@localhost>\nDepends: etcd-server (>= ${version}), etcd-client (>= ${version})\nDescription: both\n`,
  );
  await sh`dpkg-deb --root-owner-group --build ${join(folder, 'etcd')} ${join(folder, 'etcd.deb')}`;
  const debs = join(cacheFolder(), 'debs');
  const files = [
    ...readdirSync(debs)
      .filter((name) => name.includes(`_${version}-`))
      .map((name) => join(debs, name)),
    join(folder, 'etcd.deb'),
  ];
  const entries = await Promise.all(
    files.map(async (file, index) => {
      const bytes = readFileSync(file);
      const said = (await sh`dpkg-deb --field ${file}`).stdout.trimEnd();
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { bytes, entry: `${said}\nFilename: ./${index}.deb\nSize: ${bytes.length}\nSHA256: ${sha256}\n` };
    }),
  );
  for (const host of HOSTS) {
    await rig.lab.run(host, 'rm -rf /srv/debs && mkdir /srv/debs');
    for (const [index, { bytes }] of entries.entries()) await rig.lab.run(host, `cat >/srv/debs/${index}.deb`, bytes);
    await rig.lab.run(host, 'cat >/srv/debs/Packages', entries.map(({ entry }) => entry).join('\n'));
    await rig.lab.run(
      host,
      'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo "deb [trusted=yes] file:/srv/debs ./" >/etc/apt/sources.list && apt-get -qq update',
    );
  }
}

describe('etcd from an archive', () => {
  it('refuses one with another checksum: nothing is installed, nothing begins', async () => {
    const { file } = await archive(versions[0]!);
    pillar(`{ archive: ${file}, sha256: ${'a'.repeat(64)} }`, versions[0]);
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(2);
    expect(document.results.find(({ outcome }) => outcome === 'failed')?.why?.message).toContain('has the sha256');
    expect(await onEach('ls /usr/local/bin; ls -A /var/lib/etcd 2>/dev/null; systemctl is-active etcd || :')).toEqual(
      HOSTS.map(() => 'inactive'),
    );
  });

  it('is sent to hosts that do not have it, and a cluster begins with it', async () => {
    const { file, sha256 } = await archive(versions[0]!);
    pillar(`{ archive: ${file}, sha256: ${sha256} }`, versions[0]);
    const first = await rig.json(...APPLY);
    expect([first.status, first.document.outcome]).toEqual([0, 'changed']);
    expect(await onEach('cd /usr/local/bin && ls && ./etcd --version | head -n 1')).toEqual(
      HOSTS.map(() => `etcd\netcdctl\netcdutl\netcd Version: ${versions[0]}`),
    );
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });
});

describe('another version', () => {
  it('rolls through the cluster, one member at a time, and the old programs are kept', async () => {
    expect(await running()).toEqual(HOSTS.map(() => versions[0]));
    await rig.lab.run('m1', `/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 ${TLS} put kept before`);
    pillar(`{ path: /opt/etcd/${versions[1]} }`, versions[1]);
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    expect(outcomes(document, 'service')).toEqual(HOSTS.map(() => 'changed'));
    const turns = document.results.filter(({ resource }) => /\/(service|binaries)$/.test(resource));
    // The programs change in the turn of their member: one that is waiting for its turn has the old ones on its disk.
    for (const host of HOSTS) {
      const stages = turns.filter((one) => one.host === host).map(({ stage }) => stage);
      expect(new Set(stages).size, host).toBe(1);
    }
    expect(new Set(turns.map(({ stage }) => stage)).size).toBe(3);

    expect(await running()).toEqual(HOSTS.map(() => versions[1]));
    expect(
      await rig.lab.run(
        'm3',
        `/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 ${TLS} get kept --print-value-only`,
      ),
    ).toBe('before');
    expect(
      await onEach('find /usr/local/bin /var/lib/quorate/trash -name "etcd*" -path "*trash*" | grep -c etcd'),
    ).not.toContain('0');
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });
});

describe('etcd from a package', () => {
  it('is installed without its own unit ever running, and a cluster begins with it', async () => {
    await rig.lab.up(3, { fresh: true });
    if (existsSync(join(rig.folder, 'state/quorate'))) await sh`rm -r ${join(rig.folder, 'state/quorate')}`;
    await repository(versions[0]!);
    pillar('{ package: etcd }', versions[0], 'etcd_bin_dir: /usr/bin\n');
    const first = await rig.json(...APPLY);
    expect(first.document.results.flatMap(({ outcome, why }) => (outcome === 'failed' ? [why?.message] : []))).toEqual(
      [],
    );
    expect([first.status, first.document.outcome]).toEqual([0, 'changed']);
    // Debian's own cluster of one would have left its data there.
    expect(await onEach('ls /var/lib/etcd; systemctl is-active etcd; systemctl is-enabled etcd')).toEqual(
      HOSTS.map(() => 'member\nactive\nenabled'),
    );
    const members = await rig.lab.run('m2', `/usr/bin/etcdctl --endpoints=https://127.0.0.1:2379 ${TLS} member list`);
    expect(members.split('\n')).toHaveLength(3);
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });
});
