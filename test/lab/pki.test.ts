// Certificates on real hosts: from nothing to a cluster over TLS, renewed under it, never made beside a lost CA, and no
// key where none belongs.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepAuthorities } from '../../src/pki/keeper.ts';
import { spy } from './hostile/spy.ts';
import { type Ended, openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const STATE = 'kubernetes.etcd.pki';
const APPLY = ['apply', STATE, '-t', 'masters', '--yes'];
const DIRECTORY = '/etc/kubernetes/pki/etcd';
const PAIRS = [
  ...['server', 'peer', 'healthcheck-client'].map((name) => `${DIRECTORY}/${name}`),
  '/etc/kubernetes/pki/apiserver-etcd-client',
];

let rig: Rig;
let kept: string;
let versions: string[];
const printed: string[] = [];

beforeAll(async () => {
  rig = await openRig('tpki', '10.213.71', HOSTS.length);
  kept = join(rig.folder, 'state/quorate/pki/main/etcd');
  // Two days: near their end from the first moment on, once a renewal is asked for earlier.
  rig.write({
    'pillar/defaults.yaml': 'etcd_pki_days: 2\netcd_pki_renew_days: 1\n',
    // Certificates alone, for clusters that are founded by hand here: what the guard says of those is its own test's.
    'states/kubernetes/etcd/guarded.yaml':
      'description: No guard.\nresources: { member: { command.run: { command: "true", unless: "true" } } }\n',
  });
  versions = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
});
afterAll(() => rig.close());

async function quorate(...args: string[]): Promise<Ended> {
  const ended = await rig.quorate(...args);
  printed.push(ended.stdout, ended.stderr);
  return ended;
}

async function apply(...more: string[]) {
  const ended = await rig.json(...APPLY, ...more);
  printed.push(ended.stdout, ended.stderr);
  const { results } = ended.document;
  const whys = results.flatMap(({ host, resource, why }) => (why ? [`${host} ${resource}: ${why.message}`] : []));
  return { ...ended, whys, changed: results.filter(({ outcome }) => outcome === 'changed') };
}

const onEach = (command: string) => Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
const listings = () => Promise.all(HOSTS.map((host) => rig.lab.listing(host)));

describe('from bare hosts', () => {
  it('a plan says what comes to be, and makes nothing, on no host and not here', async () => {
    const before = await listings();
    const { status, stdout } = await quorate('plan', STATE, '-t', 'masters', '-o', 'plan.json', '-v');
    expect(status).toBe(0);
    expect(stdout).toContain(`! m1, m2, m3: a new CA is made; its only key will be ${kept}/ca.key on this controller`);
    expect(stdout).toContain('certificate: (none) → (known after stage 1)');
    expect(stdout).toContain('valid until: (none) → (known after stage 1)');
    expect(existsSync(join(rig.folder, 'state/quorate/pki'))).toBe(false);
    expect(await listings()).toEqual(before);
  });

  it('the saved plan is done, and no command line or environment of any process had a key in it', async () => {
    const eye = spy();
    const { status, stdout } = await quorate('apply', '--plan', 'plan.json', '--yes', '-v');
    const seen = [...(await eye.stop())];
    expect({ status, stdout }).toMatchObject({ status: 0 });
    const secrets = await allSecrets();
    expect(secrets.length).toBeGreaterThan(3 * PAIRS.length);
    expect(seen.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
  });

  it('every pair is there under its name, its key for root alone, and openssl trusts it', async () => {
    for (const host of HOSTS) {
      for (const path of PAIRS) {
        const modes = await rig.lab.run(host, `stat -c '%a %U:%G' ${path}.crt ${path}.key`);
        expect(modes).toBe('644 root:root\n600 root:root');
        const verify = `openssl verify -x509_strict -CAfile ${DIRECTORY}/ca.crt`;
        await rig.lab.run(host, `${verify} -purpose sslclient ${path}.crt`);
        if (/\/(server|peer)$/.test(path)) {
          const address = rig.lab.address(host);
          const checks = [`-verify_hostname ${host}`, '-verify_hostname localhost'];
          checks.push(...[address, '127.0.0.1', '::1'].map((ip) => `-verify_ip ${ip}`));
          for (const check of checks) await rig.lab.run(host, `${verify} -purpose sslserver ${check} ${path}.crt`);
        }
        const [own, its] = [`openssl pkey -in ${path}.key -pubout`, `openssl x509 -in ${path}.crt -noout -pubkey`];
        expect(await rig.lab.run(host, own)).toBe(await rig.lab.run(host, its));
      }
    }
    expect(new Set(await onEach(`sha256sum ${DIRECTORY}/ca.crt`)).size).toBe(1);
    expect((statSync(join(kept, 'ca.key')).mode & 0o777).toString(8)).toBe('600');
    expect(await onEach('ls -A /etc/kubernetes/pki /etc/kubernetes/pki/etcd | grep -c quorate || :')).toEqual([
      '0',
      '0',
      '0',
    ]);
  });

  it('the second apply is one program a host, and nothing to do', async () => {
    const before = await listings();
    const { document } = await apply();
    expect(document.outcome).toBe('ok');
    expect(Object.values(document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    expect(await listings()).toEqual(before);
  });
});

const FLAGS = `--cacert=${DIRECTORY}/ca.crt --cert=${DIRECTORY}/healthcheck-client.crt --key=${DIRECTORY}/healthcheck-client.key`;
const ctl = (version: string, more = '') =>
  `ETCDCTL_API=3 /opt/etcd/${version}/etcdctl --endpoints=https://127.0.0.1:2379 ${FLAGS} --command-timeout=5s ${more}`;

/** The members of a cluster over TLS, as transient units. */
async function startEtcd(version: string): Promise<void> {
  const initial = HOSTS.map((host) => `${host}=https://${rig.lab.address(host)}:2380`).join(',');
  const tls = (kind: string, name: string) =>
    `--${kind}cert-file=${DIRECTORY}/${name}.crt --${kind}key-file=${DIRECTORY}/${name}.key --${kind}trusted-ca-file=${DIRECTORY}/ca.crt --${kind}client-cert-auth`;
  await Promise.all(
    HOSTS.map((host) => {
      const own = `https://${rig.lab.address(host)}`;
      return rig.lab.run(
        host,
        `systemd-run --quiet --unit=etcd-tls --property=Type=notify /opt/etcd/${version}/etcd --name ${host} --data-dir /var/lib/etcd-${version} \
--initial-cluster ${initial} --initial-cluster-state new --initial-advertise-peer-urls ${own}:2380 --listen-peer-urls ${own}:2380 \
--listen-client-urls https://127.0.0.1:2379,${own}:2379 --advertise-client-urls ${own}:2379 ${tls('', 'server')} ${tls('peer-', 'peer')}`,
      );
    }),
  );
}

describe('etcd over TLS', () => {
  it('forms a cluster with these certificates in every version that the lab has', async () => {
    for (const version of versions) {
      await onEach('systemctl stop etcd-tls 2>/dev/null || :');
      await startEtcd(version);
      await rig.lab.run('m1', ctl(version, `put greeting ${version}`));
      expect(await rig.lab.run('m3', ctl(version, 'get greeting --print-value-only'))).toBe(version);
    }
  });

  it('is served anew with a renewed certificate, in the same process, and no handshake fails meanwhile', async () => {
    const version = versions.at(-1)!;
    const pids = () => onEach('systemctl show etcd-tls -p MainPID');
    const served = () =>
      onEach(
        `openssl s_client -connect 127.0.0.1:2379 -cert ${DIRECTORY}/healthcheck-client.crt -key ${DIRECTORY}/healthcheck-client.key </dev/null 2>/dev/null | openssl x509 -noout -serial`,
      );
    const [processes, serials, keys] = [await pids(), await served(), await onEach(`sha256sum ${DIRECTORY}/*.key`)];
    const watch = `rm -f /run/enough; good=0; bad=0; until [ -e /run/enough ]; do if ${ctl(version, 'get greeting >/dev/null 2>>/run/bad')}; then good=$((good + 1)); else bad=$((bad + 1)); fi; done; echo $good $bad; cat /run/bad`;
    const watched = onEach(watch);

    rig.write({ 'pillar/defaults.yaml': 'etcd_pki_days: 365\netcd_pki_renew_days: 30\n' });
    const { status, changed } = await apply();
    await onEach('sleep 0.3; touch /run/enough');
    expect(status).toBe(0);
    expect(changed).toHaveLength(HOSTS.length * PAIRS.length);
    expect(changed[0]!.predicted).toEqual([
      expect.objectContaining({
        before: expect.stringMatching(/ \(fewer than 30 d left\)$/),
        after: '(known after stage 1)',
      }),
    ]);
    expect(changed[0]!.actual).toEqual([expect.objectContaining({ after: expect.stringMatching(/^\d{4}-.*Z$/) })]);

    for (const line of await watched) expect(line).toMatch(/^([5-9]|\d\d+) 0$/);
    const renewed = await served();
    for (const [index, serial] of serials.entries()) expect(renewed[index]).not.toBe(serial);
    expect(await pids()).toEqual(processes);
    expect(await onEach(`sha256sum ${DIRECTORY}/*.key`)).toEqual(keys);
    expect((await apply()).document.outcome).toBe('ok');
  });

  it('a pair that was torn is made anew, both files of it, and the old ones are in the trash', async () => {
    await rig.lab.run('m2', `cp -a ${DIRECTORY}/peer.key ${DIRECTORY}/server.key; chmod 644 ${DIRECTORY}/peer.key`);
    const { status, changed, document } = await apply();
    expect(status).toBe(0);
    const told = changed.map(({ host, resource, predicted }) => `${host} ${resource} ${JSON.stringify(predicted)}`);
    expect(told).toEqual([
      expect.stringContaining('m2 kubernetes.etcd.pki/server [{"path":"key","before":"does not match the certificate"'),
      expect.stringContaining('m2 kubernetes.etcd.pki/peer [{"path":"key mode","before":"0644","after":"0600"}]'),
    ]);
    const index = await rig.lab.run('m2', `cut -f 1 /var/lib/quorate/trash/${document.run}/INDEX`);
    expect(index.split('\n')).toEqual([`${DIRECTORY}/server.crt`, `${DIRECTORY}/server.key`]);
    await rig.lab.run('m2', ctl(versions.at(-1)!, 'endpoint health'));
  });
});

it('a cluster moves to another CA in three applies, and serves all the while', async () => {
  const version = versions.at(-1)!;
  const made = await keepAuthorities(join(rig.folder, 'new')).make('etcd', {
    commonName: 'etcd-ca',
    organization: 'main',
    days: 3650,
  });
  if (!made.ok) throw new Error(made.failures[0]!.message);
  const next = { crt: made.value.certificate, key: made.value.key.reveal() };
  rmSync(join(rig.folder, 'new'), { recursive: true });
  const now = { crt: readFileSync(join(kept, 'ca.crt'), 'utf8'), key: readFileSync(join(kept, 'ca.key'), 'utf8') };
  const keep = (crt: string, key: string) => {
    writeFileSync(join(kept, 'ca.crt'), crt);
    writeFileSync(join(kept, 'ca.key'), key);
  };
  const restart = async () => {
    for (const host of HOSTS)
      await rig.lab.run(host, `systemctl restart etcd-tls && ${ctl(version, 'endpoint health')}`);
  };
  const changes = async () => {
    const { status, changed } = await apply();
    for (const host of HOSTS) await rig.lab.run(host, ctl(version, 'put still serves'));
    return { status, changed: [...new Set(changed.map(({ resource }) => resource.replace(`${STATE}/`, '')))] };
  };
  const pairs = ['server', 'peer', 'healthcheck-client', 'apiserver-etcd-client'];

  keep(next.crt + now.crt, next.key);
  expect((await apply()).status).toBe(5);
  keep(now.crt + next.crt, now.key);
  expect(await changes()).toEqual({ status: 0, changed: ['ca'] });
  await restart();
  keep(next.crt + now.crt, next.key);
  expect(await changes()).toEqual({ status: 0, changed: pairs });
  keep(next.crt, next.key);
  expect(await changes()).toEqual({ status: 0, changed: ['ca'] });
  await restart();
  await rig.lab.run('m1', ctl(version, 'put moved yes'));
  expect((await apply()).document.outcome).toBe('ok');
});

describe('without the CA', () => {
  /** Nothing is written, here or there, and each host says why. */
  async function refused(message: RegExp, next: RegExp) {
    const before = await listings();
    const { status, document } = await apply();
    expect(status).toBe(5);
    const cas = document.results.filter(({ resource }) => resource === `${STATE}/ca`);
    expect(cas.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'refused']);
    for (const { why } of cas) {
      expect(why?.message).toMatch(message);
      expect(why?.next).toMatch(next);
    }
    expect(document.results.filter(({ outcome }) => outcome === 'changed')).toEqual([]);
    expect(await listings()).toEqual(before);
  }

  it('a key that others can read is used no more', async () => {
    await chmod(join(kept, 'ca.key'), 0o644);
    await refused(/ca\.key may be read by others/, /chmod 600/);
    await chmod(join(kept, 'ca.key'), 0o600);
  });

  it('a key that is missing is asked for, not replaced', async () => {
    renameSync(join(kept, 'ca.key'), join(rig.folder, 'away'));
    await refused(/ca\.key is missing/, /from the backup/);
    expect(readdirSync(kept)).toEqual(['ca.crt']);
    renameSync(join(rig.folder, 'away'), join(kept, 'ca.key'));
  });

  it('no new one is made beside hosts that trust the old, not even for a host that has lost everything', async () => {
    renameSync(kept, join(rig.folder, 'away'));
    await rig.lab.run('m3', 'mv /etc/kubernetes/pki /root/pki');
    const before = await listings();
    const { status, whys } = await apply();
    expect(status).toBe(5);
    for (const host of HOSTS) {
      const lost = `^${host} ${STATE}/ca: this controller has no CA etcd for cluster main, but m1 trusts one with fingerprint [0-9A-F:]{95}; m2 trusts`;
      expect(whys).toContainEqual(expect.stringMatching(new RegExp(lost)));
    }
    expect(existsSync(kept)).toBe(false);
    expect((await listings()).slice(0, 2)).toEqual(before.slice(0, 2));

    renameSync(join(rig.folder, 'away'), kept);
    expect((await apply()).status).toBe(0);
    await rig.lab.run('m3', `rm -r /root/pki; ${ctl(versions.at(-1)!, 'endpoint health')}`);
  });

  it('what is blocked makes none either', async () => {
    rig.write({
      'states/blocked.yaml': `description: A CA behind something that is refused.
resources:
  refused:
    file.absent: { path: /usr }
  ca:
    pki.ca: { path: /etc/other-ca.crt, name: other }
    require: [refused]
`,
    });
    const { status } = await quorate('apply', 'blocked', '-t', 'masters', '--yes');
    expect(status).toBe(5);
    expect(readdirSync(join(kept, '..'))).toEqual(['etcd']);
  });

  it('a certificate whose CA nobody declares is refused, what needs it is blocked, and the rest is done', async () => {
    rig.write({
      'states/orphan.yaml': `description: A certificate without its CA.
resources:
  pair:
    pki.certificate: { path: /srv/orphan, ca: none, common_name: x, usages: [clientAuth] }
  after:
    file.managed: { path: /srv/after, content: x }
    require: [pair]
  free:
    file.managed: { path: /srv/free, content: x }
`,
    });
    const { status, document } = await rig.json('apply', 'orphan', '-t', 'm1', '--yes');
    expect(status).toBe(5);
    expect(document.results.map(({ resource, outcome }) => `${resource} ${outcome}`)).toEqual([
      'orphan/pair refused',
      'orphan/after blocked',
      'orphan/free changed',
    ]);
    expect(document.results[0]!.why?.next).toContain('declare pki.ca with name: none');
    expect(await rig.lab.run('m1', 'ls /srv')).toBe('free');
  });

  it('none is made while a member cannot be asked', async () => {
    rig.write({
      'states/other.yaml':
        'description: Another CA.\nresources:\n  ca:\n    pki.ca: { path: /srv/other.crt, name: other }\n',
    });
    await rig.lab.poweroff('m3');
    const { status, stdout } = await quorate('apply', 'other', '-t', 'm1', '--yes');
    await rig.lab.up(HOSTS.length);
    expect(status).toBe(5);
    expect(stdout).toContain('m3 could not be asked for certificates of an earlier one');
    expect(readdirSync(join(kept, '..'))).toEqual(['etcd']);
  });
});

describe('adopted', () => {
  it('certificates that do are left alone, and nothing is written', async () => {
    rig.write({ 'pillar/defaults.yaml': 'etcd_pki: adopted\n' });
    renameSync(kept, join(rig.folder, 'away'));
    const { document } = await apply();
    expect(document.outcome).toBe('ok');
    expect(Object.values(document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    expect(existsSync(kept)).toBe(false);
  });

  it('a name by which a member is asked, and that is missing, is refused, and told', async () => {
    // Another member's: of the same CA, and for another address.
    const theirs = await rig.lab.run(
      'm1',
      `tar -cf - -C ${DIRECTORY} server.crt server.key peer.crt peer.key | base64`,
    );
    await rig.lab.run('m2', `cp -a ${DIRECTORY} /root/own && base64 -d | tar -xf - -C ${DIRECTORY}`, theirs);
    const address = (await rig.lab.run('m2', 'hostname -I')).split(' ')[0]!;
    const before = await listings();
    const { status, whys } = await apply();
    expect(status).toBe(5);
    expect(whys).toEqual(
      ['server', 'peer'].map(
        (name) => `m2 ${STATE}/${name}: ${DIRECTORY}/${name}.crt is adopted and does not do: its names lack ${address}`,
      ),
    );
    expect(await listings()).toEqual(before);
    await rig.lab.run('m2', `cp -a /root/own/. ${DIRECTORY}/ && rm -r /root/own`);
  });

  it('what ends soon is warned of', async () => {
    rig.write({ 'pillar/defaults.yaml': 'etcd_pki: adopted\netcd_pki_renew_days: 366\n' });
    const { status, stdout } = await quorate('plan', STATE, '-t', 'masters');
    expect(status).toBe(0);
    expect(stdout).toMatch(/! m1, m2, m3: .*server\.crt ends \S+, in 36\d d; it is adopted, so nothing here renews it/);
    renameSync(join(rig.folder, 'away'), kept);
  });
});

/** Every line of every key, here and on the hosts, that is not public: its first two. */
async function allSecrets(): Promise<string[]> {
  const found = await onEach(`find /etc/kubernetes /var/lib/quorate/trash -name '*.key' -exec cat {} + 2>/dev/null; :`);
  const texts = [...found, readFileSync(join(kept, 'ca.key'), 'utf8')];
  return texts.flatMap((text) =>
    [...text.matchAll(/-----BEGIN PRIVATE KEY-----\n(.{48})(.{16})\n(.{32})/g)].flatMap(([, , end, begin]) => [
      end!,
      begin!,
    ]),
  );
}

it('no key was printed or kept here, but that of the CA', async () => {
  const secrets = await allSecrets();
  const holds = (text: string) => text.includes('PRIVATE KEY') || secrets.some((secret) => text.includes(secret));
  expect(printed.length).toBeGreaterThan(20);
  expect(printed.filter(holds)).toEqual([]);
  const files = readdirSync(rig.folder, { recursive: true, encoding: 'utf8' })
    .map((path) => join(rig.folder, path))
    .filter((path) => statSync(path).isFile());
  expect(files.filter((file) => /journal\.jsonl$|result\.json$|plan\.json$/.test(file)).length).toBeGreaterThan(6);
  expect(files.filter((file) => holds(readFileSync(file, 'utf8')))).toEqual([join(kept, 'ca.key')]);
  // On the hosts: in their files, in the trash, and nowhere else.
  const search = `grep -rlF 'PRIVATE KEY' /etc/kubernetes /var /run /tmp /root --devices=skip --exclude-dir=trash 2>/dev/null; journalctl -q -o cat | grep -c 'PRIVATE KEY'`;
  for (const host of HOSTS) {
    const { stdout } = await rig.lab.exec(host, search);
    expect(stdout.trim().split('\n').sort()).toEqual([...PAIRS.map((path) => `${path}.key`), '0'].sort());
  }
});
