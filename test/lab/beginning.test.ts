// The guard of the beginning on real hosts: founding a cluster once, going on after a crash, and every way to lose one.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRig, type Rig, type RunDocument } from './rig.ts';
import { saying } from './saying.ts';
import { PKI, plantCertificates, STATE, writeState } from './tls-etcd.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const GUARD = 'kubernetes.etcd.guarded/member';
const LEDGER = '/var/lib/quorate/main.json';
const MARKER = '/var/lib/quorate/main.bootstrap';
const APPLY = ['apply', STATE, '-t', 'masters', '--yes', '--connect-limit', '12'];
let rig: Rig;
let versions: string[];

beforeAll(async () => {
  rig = await openRig('tbegin', '10.213.72', 3);
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  versions = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  await plantCertificates(rig, HOSTS);
  writeState(rig);
  pillar();
});
afterAll(() => rig?.close());

function pillar(more = '', version = versions.at(-1)): void {
  rig.write({
    'pillar/defaults.yaml': `etcd_runtime: systemd\netcd_bin_dir: /opt/etcd/${version}\netcd_min_free_bytes: 1000000\n${more}`,
  });
}

/** Three hosts that never had an etcd, and a controller that remembers none. */
async function bare(): Promise<void> {
  await rig.lab.up(3, { fresh: true });
  rmSync(controllerLedger(), { force: true });
  await plantCertificates(rig, HOSTS);
}

function controllerLedger(): string {
  return join(rig.folder, 'state/quorate/clusters/main.json');
}

function onEach(command: string, hosts = HOSTS): Promise<string[]> {
  return Promise.all(hosts.map((host) => rig.lab.run(host, command)));
}

function listings(): Promise<string[][]> {
  return Promise.all(HOSTS.map((host) => rig.lab.listing(host)));
}

const TLS = `--cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
const CTL = (version: string) => `ETCDCTL_API=3 /opt/etcd/${version}/etcdctl --command-timeout=5s ${TLS}`;

function etcdctl(host: string, command: string, version = versions.at(-1)!): Promise<string> {
  return rig.lab.run(host, `${CTL(version)} ${command}`);
}

async function clusterIds(version?: string): Promise<string[]> {
  const all = await Promise.all(HOSTS.map((host) => etcdctl(host, 'endpoint status -w json', version)));
  return [...new Set(all.map((text) => /"cluster_id":(\d+)/.exec(text)![1]!))];
}

function guards(document: RunDocument): string[] {
  return document.results.filter(({ resource }) => resource === GUARD).map(({ host, outcome }) => `${host} ${outcome}`);
}

function whyOf(document: RunDocument, host = 'm1') {
  return document.results.find((result) => result.resource === GUARD && result.host === host)?.why;
}

/** Plan and apply refuse with `message`, and nothing on any disk has changed; gives the hosts that were refused. */
async function refused(message: string | RegExp, host = 'm1', target = 'masters'): Promise<RunDocument> {
  const before = await listings();
  let document: RunDocument | undefined;
  for (const command of [
    ['plan', STATE],
    ['apply', STATE, '--yes'],
  ]) {
    const ended = await rig.json(...command, '-t', target, '--connect-limit', '12');
    document = ended.document;
    expect([ended.status, document.outcome]).toEqual([5, 'refused']);
    expect(whyOf(document, host)?.message).toMatch(message);
    expect(whyOf(document, host)?.next).toBeTruthy();
    expect(document.results.filter(({ outcome }) => outcome === 'changed')).toEqual([]);
  }
  expect(await listings()).toEqual(before);
  return document!;
}

describe('bare hosts', () => {
  it('are left alone, all of them, while one of them has a port taken', async () => {
    await rig.lab.run('m2', 'systemd-run --quiet --unit=busy systemd-socket-activate -l 2380 cat');
    const document = await refused(/^no host is touched: port 2380 of m2 is taken by systemd-socket\S* \(pid \d+\)/);
    expect(guards(document)).toEqual(HOSTS.map((host) => `${host} refused`));
    await rig.lab.run('m2', 'systemctl stop busy');
  });

  it('are left alone while one of them cannot be reached, or is outside the target', async () => {
    await rig.lab.cut('m3');
    await refused('a new cluster main is made only with all its members, and m3 cannot be reached');
    await rig.lab.heal('m3');
    await refused('a new cluster main is made only on all its members at once, and m3 is outside', 'm1', 'm1,m2');
  });

  it('are left alone with a deny-listed version', async () => {
    pillar('etcd_version: 3.5.1\n');
    await refused('etcd 3.5.1 is deny-listed for');
    pillar();
  });

  it('become a cluster, with every etcd there is: new is nowhere afterwards, and there is nothing to do', async () => {
    for (const version of versions) {
      if (version !== versions[0]) await bare();
      pillar('', version);
      const first = await rig.json(...APPLY);
      expect([version, first.status, first.document.outcome]).toEqual([version, 0, 'changed']);
      expect(first.document.notes[0]).toMatch(/^creates a NEW, EMPTY cluster main/);
      expect(await onEach('grep -c INITIAL_CLUSTER_STATE=.existing /etc/etcd.env')).toEqual(['1', '1', '1']);
      expect(await onEach(`grep -rl -e '"new"' -e TOKEN /etc/etcd.env ${MARKER} 2>/dev/null || :`)).toEqual([
        '',
        '',
        '',
      ]);
      const ledgers = await onEach(`cat ${LEDGER}`);
      expect(new Set(ledgers).size).toBe(1);
      expect(`${ledgers[0]}\n`).toBe(rig.read('state/quorate/clusters/main.json'));
      expect(await clusterIds(version)).toHaveLength(1);
      await etcdctl('m1', 'put greeting hello', version);
      expect(await etcdctl('m3', 'get greeting --print-value-only', version)).toBe('hello');

      const second = await rig.json(...APPLY);
      expect(second.document.outcome).toBe('ok');
      expect(Object.values(second.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    }
  });
});

describe('a known cluster', () => {
  it('refuses a member that has lost its data, with its ledger and without (9)', async () => {
    await rig.lab.run('m1', 'systemctl stop etcd; mv /var/lib/etcd /var/lib/etcd.lost');
    const message = 'm1 is a known member of cluster main but has no data: replace, do not start';
    const document = await refused(message);
    expect(guards(document)).toEqual(['m1 refused', 'm2 ok', 'm3 ok']);
    await rig.lab.run('m1', `mv ${LEDGER} ${LEDGER}.lost`);
    await refused(message);
  });

  it('refuses two that have, and does not let them make an empty cluster (22)', async () => {
    await rig.lab.run('m2', `systemctl stop etcd; mv /var/lib/etcd /var/lib/etcd.lost; mv ${LEDGER} ${LEDGER}.lost`);
    for (const host of ['m1', 'm2']) await refused(`${host} is a known member of cluster main but has no data`, host);
    await onEach(`mv /var/lib/etcd.lost /var/lib/etcd; mv ${LEDGER}.lost ${LEDGER}; systemctl start etcd`, [
      'm1',
      'm2',
    ]);
    expect((await rig.json(...APPLY)).status).toBe(0);
  });

  it('refuses when all that is left of it is what the controller remembers (10)', async () => {
    const aside = `systemctl stop etcd; mv /var/lib/etcd /var/lib/etcd.lost; mv ${LEDGER} ${LEDGER}.lost`;
    await onEach(aside);
    await refused('cannot tell whether cluster main is new or lost: this controller knows it');
  });

  it('refuses when data is there, nothing serves and nobody remembers (10)', async () => {
    await onEach('mv /var/lib/etcd.lost /var/lib/etcd', ['m2']);
    renameSync(controllerLedger(), `${controllerLedger()}.lost`);
    await refused('cannot tell whether cluster main is new or lost: m2 has member data, but no member serves');
    await onEach('mv /var/lib/etcd.lost /var/lib/etcd', ['m1', 'm3']);
    await onEach('systemctl start etcd');
  });

  it('is adopted when it serves and nobody remembers: written down, and nothing else', async () => {
    const started = await onEach('systemctl show etcd -p ActiveEnterTimestampMonotonic');
    const { status, document } = await rig.json(...APPLY);
    expect([status, document.outcome]).toEqual([0, 'changed']);
    expect(document.results.filter(({ outcome }) => outcome === 'changed').map(({ resource }) => resource)).toEqual(
      HOSTS.map(() => GUARD),
    );
    expect(document.notes[0]).toContain('serves and nobody knows it yet');
    expect(await onEach('systemctl show etcd -p ActiveEnterTimestampMonotonic')).toEqual(started);
    expect(new Set(await onEach(`cat ${LEDGER}`)).size).toBe(1);
    expect(existsSync(controllerLedger())).toBe(true);
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });

  it('refuses a voter with another peer URL than the cluster knows (11)', async () => {
    rig.write({ 'pillar/hosts/m3.yaml': 'etcd_peer_port: 2390\n' });
    const url = (port: number) => `https://${rig.lab.address('m3')}:${port}`;
    await refused(`m3 is declared with the peer URL ${url(2390)}, but cluster main knows m3 at ${url(2380)}`);
    rmSync(join(rig.folder, 'pillar/hosts'), { recursive: true });
  });

  it('rolls nothing while there is an alarm', async () => {
    pillar('etcd_quota_backend_bytes: 200000\n');
    expect((await rig.json(...APPLY)).status).toBe(0);
    // The quota is passed by what fits into it: values of 100 kB, until one is refused.
    for (let n = 1; n <= 5; n++) {
      await rig.lab.exec('m1', `head -c 100000 /dev/zero | tr '\\0' x | ${CTL(versions.at(-1)!)} put big/${n}`);
    }
    pillar('etcd_quota_backend_bytes: 300000\n');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(5);
    const why = document.results.find(({ resource }) => resource === `${STATE}/service`)?.why;
    expect(why?.message).toMatch(/^cluster main has an alarm: .*NOSPACE/);
    expect(why?.next).toContain('defragment');
  });
});

describe('a bootstrap whose controller is killed', () => {
  it.each(['stage 1 of 2', 'stage 2 of 2', 'proving', 'stage 1 of 3', 'stage 3 of 3'])(
    'goes on, with the same cluster, when that happened at "%s"',
    async (moment) => {
      await bare();
      pillar();
      const running = rig.start(...APPLY);
      await saying(running, moment);
      running.kill();
      await running.ended;
      const token = (await onEach(`cat ${MARKER} ${LEDGER} 2>/dev/null | grep token || :`)).find(Boolean);
      const { status, document } = await rig.json(...APPLY, '--lock-wait', '30');
      expect([status, document.outcome]).toEqual([0, 'changed']);
      expect(await onEach('grep -c INITIAL_CLUSTER_STATE=.existing /etc/etcd.env')).toEqual(['1', '1', '1']);
      expect(await onEach(`ls ${MARKER} 2>/dev/null || :`)).toEqual(['', '', '']);
      expect(await clusterIds()).toHaveLength(1);
      if (token !== undefined) expect(await rig.lab.run('m1', `cat ${LEDGER}`)).toContain(token.trim());
      expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
    },
  );
});
