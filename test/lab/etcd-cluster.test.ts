// The main job on real hosts: an etcd cluster from nothing, and rolls that never cost the quorum.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRig, type Rig, type RunDocument } from './rig.ts';
import { saying } from './saying.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const STATE = 'kubernetes.etcd.configured';
const APPLY = ['apply', STATE, '-t', 'masters', '--yes'];
let rig: Rig;
let versions: string[];

beforeAll(async () => {
  rig = await openRig('tstates', '10.213.73', 3);
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  versions = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
});
afterAll(() => rig?.close());

/** Pillar for one version, with more lines after it. */
function pillar(more = '', version = versions.at(-1)): void {
  rig.write({
    'pillar/defaults.yaml': `etcd_runtime: systemd\netcd_version: ${version}\netcd_install: { path: /opt/etcd/${version} }\n${more}`,
  });
}

const PKI = '/etc/kubernetes/pki/etcd';
const CERTIFICATES = `--cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;

function etcdctl(host: string, command: string, flags = CERTIFICATES): Promise<string> {
  return rig.lab.run(
    host,
    `/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 ${flags} --command-timeout=5s ${command}`,
  );
}

interface Status {
  leader: boolean;
  cluster: string;
}

async function statusOf(host: string): Promise<Status> {
  // Ids are larger than JavaScript's numbers: read as text.
  const json = (await etcdctl(host, 'endpoint status -w json')).replaceAll(/:(\d{10,})/g, ':"$1"');
  const { header, leader } = JSON.parse(json)[0].Status;
  return { leader: leader === header.member_id, cluster: header.cluster_id };
}

/** At one revision: nobody writes meanwhile. */
async function hash(host: string): Promise<string> {
  const text = await etcdctl(host, 'endpoint hashkv -w json');
  return /"(?:HashKV|Hash)":\{[^{]*\{[^}]*\},"hash":(\d+)/.exec(text)![1]!;
}

/** Three hosts that never had an etcd, and a controller that has forgotten them. */
async function bare(): Promise<void> {
  await rig.lab.up(3, { fresh: true });
  rmSync(join(rig.folder, 'state/quorate'), { recursive: true, force: true });
}

async function leader(): Promise<string> {
  const all = await Promise.all(HOSTS.map(async (host) => ({ host, ...(await statusOf(host)) })));
  return all.find((one) => one.leader)!.host;
}

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

/** `host outcome` of a resource on every host. */
function ends(document: RunDocument, resource: string): string[] {
  return document.results
    .filter((result) => result.resource === `${STATE}/${resource}`)
    .map(({ host, outcome }) => `${host} ${outcome}`);
}

function why(document: RunDocument, host: string, resource = 'service') {
  return document.results.find((result) => result.host === host && result.resource === `${STATE}/${resource}`)?.why;
}

/** What a bootstrap makes, on a host and on this controller. */
async function traces(): Promise<string[]> {
  const made = '/etc/kubernetes /etc/etcd /var/lib/etcd /var/lib/quorate /etc/systemd/system/etcd.service';
  const there = await onEach(`ls -d ${made} 2>/dev/null; id etcd 2>/dev/null || :`);
  const kept = ['pki', 'clusters'].filter((name) => existsSync(join(rig.folder, 'state/quorate', name)));
  return [...there, ...kept].filter(Boolean);
}

describe('bare hosts', () => {
  it('get no CA, no certificate and no user while one of them may not begin, and this controller makes none', async () => {
    pillar();
    await rig.lab.run('m2', 'systemd-run --quiet --unit=busy systemd-socket-activate -l 2379 cat');
    const { status, document } = await rig.json('apply', 'running', '-t', 'masters', '--yes');
    expect([status, document.outcome]).toEqual([5, 'refused']);
    await rig.lab.run('m2', 'systemctl stop busy');
    expect(new Set(document.results.map(({ outcome }) => outcome))).toEqual(new Set(['refused', 'blocked']));
    expect(await traces()).toEqual([]);
  });

  it('become the cluster that they were to be when one of them could not be written to at first', async () => {
    await rig.lab.run('m3', 'touch /etc/kubernetes');
    const first = await rig.json('apply', 'running', '-t', 'masters', '--yes');
    expect([first.status, first.document.outcome]).toEqual([2, 'failed']);
    const begun = await token('m3');
    expect(await token('m1')).toBe(begun);
    await rig.lab.run('m3', 'rm /etc/kubernetes');
    await finishes(begun);
    await bare();
  });

  it('do so too when one of them is lost while its certificates are made', async () => {
    const running = rig.start('apply', 'running', '-t', 'masters', '--yes', '--connect-limit', '12');
    await saying(running, 'stage 1 of');
    await rig.lab.cut('m3');
    expect((await running.ended).status).toBeGreaterThan(1);
    await rig.lab.heal('m3');
    await finishes(await token('m1'));
    await bare();
  });
});

/** Of the bootstrap that has begun on a host, or of the cluster that came of it. */
async function token(host: string): Promise<string> {
  const text = await rig.lab.run(
    host,
    'cat /var/lib/quorate/main.bootstrap /var/lib/quorate/main.json 2>/dev/null || :',
  );
  return /"token": "([^"]+)"/.exec(text)?.[1] ?? '';
}

/** The next run makes one cluster of it, with the token of the first where that had come so far, and the next has nothing to do. */
async function finishes(begun: string): Promise<void> {
  const { status, document } = await rig.json('apply', 'running', '-t', 'masters', '--yes', '--lock-wait', '90');
  expect([status, document.outcome]).toEqual([0, 'changed']);
  const tokens = new Set(await Promise.all(HOSTS.map(token)));
  expect([...tokens]).toEqual([begun || expect.any(String)]);
  expect(new Set((await Promise.all(HOSTS.map(statusOf))).map(({ cluster }) => cluster)).size).toBe(1);
  expect((await rig.json('apply', 'running', '-t', 'masters', '--yes')).document.outcome).toBe('ok');
}

describe('kubernetes.running', () => {
  it('takes three bare hosts to three voters of one cluster, with every etcd there is, and then has nothing to do', async () => {
    expect(versions.length).toBeGreaterThan(1);
    for (const version of versions) {
      if (version !== versions[0]) await bare();
      pillar('', version);
      const first = await rig.json('apply', 'running', '-t', 'masters', '--yes');
      expect([version, first.status, first.document.outcome]).toEqual([version, 0, 'changed']);
      expect(first.stderr).toContain('second round: cluster main is founded and serves');

      const members = JSON.parse(await etcdctl('m2', 'member list -w json')).members;
      expect(members.map(({ name }: { name: string }) => name).sort()).toEqual(HOSTS);
      expect(members.filter(({ isLearner }: { isLearner?: boolean }) => isLearner)).toEqual([]);
      const all = await Promise.all(HOSTS.map(statusOf));
      expect(new Set(all.map(({ cluster }) => cluster)).size).toBe(1);
      expect(all.filter((one) => one.leader)).toHaveLength(1);
      await etcdctl('m1', `put greeting 'from m1'`);
      expect(await etcdctl('m3', 'get greeting --print-value-only')).toBe('from m1');
      expect(new Set(await Promise.all(HOSTS.map(hash))).size).toBe(1);

      // What founded the cluster stands nowhere any more, and nobody has lost what the first stage had written.
      const traces =
        'grep -rlE "STATE=.?new|TOKEN" /etc/etcd /etc/systemd/system; tr "\\0" "\\n" </proc/$(pidof etcd)/environ | grep STATE';
      expect(await onEach(traces)).toEqual(HOSTS.map(() => 'ETCD_INITIAL_CLUSTER_STATE=existing'));

      const second = await rig.json('apply', 'running', '-t', 'masters', '--yes');
      expect([version, second.document.outcome]).toEqual([version, 'ok']);
      expect(Object.values(second.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
      expect(await onEach('systemctl is-active etcd; systemctl is-enabled etcd')).toEqual(
        HOSTS.map(() => 'active\nenabled'),
      );
    }
  });

  it('lets nobody in without a certificate of its CA, neither clients nor peers', async () => {
    await rig.lab.run(
      'm1',
      'openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/x.key -out /run/x.crt -days 1 -subj /CN=x',
    );
    const ca = `--cacert ${PKI}/ca.crt`;
    const ask = (flags: string, port: number) =>
      rig.lab.run('m1', `curl -sS --http1.1 --max-time 5 ${flags} https://${rig.lab.address('m1')}:${port}/version`);
    const client = `--cert ${PKI}/healthcheck-client.crt --key ${PKI}/healthcheck-client.key`;
    for (const port of [2379, 2380]) {
      expect(await ask(`${ca} ${client}`, port)).toContain('etcdserver');
      await expect(ask(ca, port)).rejects.toThrow();
      await expect(ask(`${ca} --cert /run/x.crt --key /run/x.key`, port)).rejects.toThrow();
      await expect(ask(`--cacert /run/x.crt ${client}`, port)).rejects.toThrow(/certificate/);
    }
    await expect(etcdctl('m1', 'get greeting', `--cacert=${PKI}/ca.crt`)).rejects.toThrow();
    const plain = (port: number) => rig.lab.run('m1', `curl -sf http://127.0.0.1:${port}/version`);
    for (const port of [2379, 2380]) await expect(plain(port)).rejects.toThrow();
    expect(await rig.lab.run('m1', 'curl -sf http://127.0.0.1:2381/health')).toContain('true');
    const elsewhere = `curl -sf --max-time 2 http://${rig.lab.address('m1')}:2381/health`;
    await expect(rig.lab.run('m2', elsewhere)).rejects.toThrow();
  });

  it('runs as a user that can do nothing but this', async () => {
    const shown = await rig.lab.run(
      'm1',
      'ps -o user= -C etcd; stat -c "%U %a" /var/lib/etcd; grep -E "CapEff|NoNewPrivs" /proc/$(pidof etcd)/status',
    );
    expect(shown.split(/\s+/)).toEqual(['etcd', 'etcd', '700', 'CapEff:', '0000000000000000', 'NoNewPrivs:', '1']);
    const score = await rig.lab.run(
      'm1',
      "systemd-analyze security etcd --no-pager | tail -n 1 | grep -oE '[0-9]+[.][0-9]'",
    );
    expect(Number(score)).toBeLessThan(3);
  });

  it('does not start a known member that has lost its data, and says so in the journal', async () => {
    await rig.lab.run(
      'm3',
      'systemctl stop etcd; mv /var/lib/etcd/member /var/lib/etcd-member; systemctl start etcd || :; systemctl is-active etcd || :',
    );
    expect(await rig.lab.run('m3', 'journalctl -q -o cat -u etcd | grep "known member"')).toContain(
      'etcd does not start: this host is a known member (/var/lib/quorate/main.json), but /var/lib/etcd has no data',
    );
    expect(await rig.lab.run('m3', 'ls -A /var/lib/etcd')).toBe('');
    await rig.lab.run('m3', 'mv /var/lib/etcd-member /var/lib/etcd/member; systemctl start etcd');
    expect(await etcdctl('m3', 'get greeting --print-value-only')).toBe('from m1');
  });
});

describe('a roll', () => {
  it('interrupts one member at a time, the leader last, and loses no acknowledged write', async () => {
    const last = await leader();
    const before = await startLoad();
    pillar('etcd_snapshot_count: 20000\n');
    const { status, document } = await rig.json(...APPLY);
    const { acknowledged, serving } = await endLoad();

    expect(status).toBe(0);
    expect(ends(document, 'service')).toEqual(HOSTS.map((host) => `${host} changed`));
    const turns = document.results.filter(({ resource }) => resource === `${STATE}/service`);
    expect(turns.map(({ stage }) => stage).sort()).toEqual([1, 2, 3]);
    expect(turns.find(({ host }) => host === last)?.stage).toBe(3);

    // By the kernel's one clock: each was ready again before the next went down.
    const times = await onEach('systemctl show etcd -p ActiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic');
    const gaps = times.map(
      (text) =>
        text
          .match(/\d+/g)!
          .map(Number)
          .sort((a, b) => a - b) as [number, number],
    );
    gaps.sort(([a], [b]) => a - b);
    expect(gaps[0]![1]).toBeLessThan(gaps[1]![0]);
    expect(gaps[1]![1]).toBeLessThan(gaps[2]![0]);
    expect(serving.length).toBeGreaterThan(3);
    expect(Math.min(...serving)).toBeGreaterThanOrEqual(2);

    expect(acknowledged.length).toBeGreaterThan(before + 10);
    const kept = new Set((await etcdctl('m3', 'get load/ --prefix --keys-only')).split('\n'));
    expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
    expect(await onEach('grep SNAPSHOT_COUNT /etc/etcd/etcd.env')).toEqual(
      Array(3).fill('ETCD_SNAPSHOT_COUNT="20000"'),
    );
  });

  it('ends well after one member alone was its target: a canary, while the others wait for their own', async () => {
    pillar('etcd_snapshot_count: 21000\n');
    const counts = () => onEach('sed -n "s/.*SNAPSHOT_COUNT=//p" /etc/etcd/etcd.env');
    const canary = await rig.json('apply', STATE, '-t', 'm1', '--yes');
    expect([canary.status, canary.document.outcome]).toEqual([0, 'changed']);
    expect(ends(canary.document, 'healthy')).toEqual(['m1 ok']);
    expect(await counts()).toEqual(['"21000"', '"20000"', '"20000"']);
    const rest = await rig.json(...APPLY);
    expect([rest.status, ends(rest.document, 'service')]).toEqual([0, ['m1 ok', 'm2 changed', 'm3 changed']]);
    expect(await counts()).toEqual(Array(3).fill('"21000"'));
  });

  it('stops behind a member that does not come back, leaves the others untouched, and goes on when that is mended', async () => {
    const before = await Promise.all(HOSTS.map((host) => rig.lab.listing(host)));
    pillar('etcd_snapshot_count: 21000\netcd_extra_args: { auto-compaction-mode: sometimes }\n');
    const { status, document } = await rig.json(...APPLY);

    expect(status).toBe(5);
    const broken = document.results.find(({ outcome }) => outcome === 'failed')!.host;
    const others = HOSTS.filter((host) => host !== broken);
    expect(ends(document, 'service')).toEqual(HOSTS.map((h) => `${h} ${h === broken ? 'failed' : 'refused'}`));
    expect(ends(document, 'unit')).toEqual(HOSTS.map((h) => `${h} ${h === broken ? 'changed' : 'blocked'}`));
    expect(why(document, broken)?.message).toContain('unknown auto-compaction-mode');
    for (const host of others) {
      expect(await rig.lab.listing(host)).toEqual(before[HOSTS.indexOf(host)]);
      expect(why(document, host)).toMatchObject({
        message: `${STATE}/service on ${broken} failed, so the roll through main stops here`,
        next: `bring ${broken} back to health, then run again: the roll goes on where it stopped`,
      });
    }
    await etcdctl(others[0]!, 'put still works');

    pillar('etcd_snapshot_count: 21000\n');
    const mended = await rig.json(...APPLY);
    expect(mended.status).toBe(0);
    expect(ends(mended.document, 'service')).toEqual(HOSTS.map((h) => `${h} ${h === broken ? 'changed' : 'ok'}`));
    expect(await etcdctl(broken, 'get still --print-value-only')).toBe('works');
  });

  it('asks all members again before each turn, and stops when another has gone down meanwhile', async () => {
    rig.write({
      'states/paused.yaml': `
description: The cluster, with a pause behind each turn.
include: [${STATE}]
resources:
  pause:
    command.run: { command: ': >/run/waiting; until test -e /run/go; do sleep 0.1; done' }
    onchanges: [${STATE}/service]
`,
    });
    const last = await leader();
    pillar('etcd_snapshot_count: 25000\n');
    const running = rig.start('apply', 'paused', '-t', 'masters', '--yes', '--json');
    let first: string | undefined;
    for (let tries = 0; !first && tries < 200; tries++) {
      const waiting = await onEach('test -e /run/waiting && echo yes || :');
      first = HOSTS[waiting.indexOf('yes')];
    }
    await rig.lab.run(last, 'systemctl stop etcd');
    await rig.lab.run(first!, ': >/run/go');
    const { status, stdout } = await running.ended;
    const document: RunDocument = JSON.parse(stdout);
    const second = HOSTS.find((host) => host !== first && host !== last)!;
    expect(status).toBe(5);
    expect(ends(document, 'service')).toEqual(HOSTS.map((h) => `${h} ${h === first ? 'changed' : 'refused'}`));
    expect(why(document, second)).toMatchObject({
      message: expect.stringContaining(
        `interrupting ${second} would break the quorum of cluster main: 3 voters, ${last} down`,
      ),
    });
    expect(why(document, last)?.next).toBe(`bring back or replace ${last} first, then run again`);
    expect(await onEach('grep -c 25000 /etc/etcd/etcd.env || :')).toEqual(HOSTS.map((h) => (h === first ? '1' : '0')));
    expect((await rig.json(...APPLY)).status).toBe(0);
  });

  it('is refused, with the arithmetic, while one member is down; plan and apply say the same and touch nothing', async () => {
    const up = ['m1', 'm2'];
    await rig.lab.crash('m3');
    const before = await Promise.all(up.map((host) => rig.lab.listing(host)));
    pillar('etcd_snapshot_count: 30000\n');
    const arithmetic = (host: string) => ({
      message: `interrupting ${host} would break the quorum of cluster main: 3 voters, m3 down: tolerance 0 before, −1 after`,
      next: 'bring back or replace m3 first, then run again',
    });
    for (const command of [['plan', STATE, '-t', 'masters'], APPLY, ['apply', STATE, '-t', 'masters:!m3', '--yes']]) {
      const { status, document } = await rig.json(...command, '--connect-limit', '12');
      expect(status).toBe(5);
      for (const host of up) {
        expect(why(document, host)).toMatchObject(arithmetic(host));
        expect(why(document, host, 'environment')).toMatchObject(arithmetic(host));
      }
      expect(ends(document, 'service').slice(0, 2)).toEqual(['m1 refused', 'm2 refused']);
      expect(ends(document, 'environment').slice(0, 2)).toEqual(['m1 blocked', 'm2 blocked']);
    }
    expect((await rig.quorate('plan', STATE, '-t', 'masters', '--connect-limit', '12')).stdout).toContain(
      arithmetic('m1').message,
    );
    expect(await Promise.all(up.map((host) => rig.lab.listing(host)))).toEqual(before);
  });

  it('is refused too while the members that are left elect a leader, when none of them serves', async () => {
    await rig.lab.freeze('m2');
    const alone = `until ! ${CTL()} --endpoints=https://127.0.0.1:2379 endpoint status -w json | grep -q '"leader":[1-9]'; do sleep 0.1; done`;
    await rig.lab.run('m1', alone);
    const running = rig.start('plan', STATE, '-t', 'masters', '--connect-limit', '12', '--json');
    await rig.lab.run('m1', "until ss -Htn state established '( sport = :22 )' | grep -q .; do sleep 0.1; done");
    await sleep(1000);
    await rig.lab.thaw('m2');
    const { status, stdout } = await running.ended;
    expect(status).toBe(5);
    expect(ends(JSON.parse(stdout), 'service')).toEqual(['m1 refused', 'm2 refused', 'm3 unreachable']);
    await rig.lab.start('m3');
    await rig.lab.run('m3', 'until systemctl -q is-active etcd; do sleep 0.1; done');
  });

  it('begins with the member that is down, which costs nothing, and goes on when that serves again', async () => {
    const last = await leader();
    const down = HOSTS.find((host) => host !== last)!;
    await rig.lab.run(down, 'systemctl stop etcd');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    const turns = document.results.filter(({ resource }) => resource === `${STATE}/service`);
    const order = turns.sort((a, b) => a.stage! - b.stage!).map(({ host }) => host);
    expect([order[0], order[2]]).toEqual([down, last]);
  });
});

const CTL = () => `/usr/local/bin/etcdctl ${CERTIFICATES}`;
const MEMBERS = () => HOSTS.map((host) => `https://${rig.lab.address(host)}:2379`);

/** Writes through all members from m2, and samples from m1 how many serve. Gives how many writes there are already. */
async function startLoad(): Promise<number> {
  const ctl = CTL();
  const write = `i=0; until test -e /run/stop; do
    i=$((i + 1)); ${ctl} --endpoints=${MEMBERS().join()} --command-timeout=5s put load/$i $i >/dev/null && echo load/$i >>/run/acknowledged
  done`;
  // Two samples in a row have to say so, or a slow one would see two members down that were so one after the other.
  const sample = `serving() {
    for member in ${MEMBERS().join(' ')}; do
      { ${ctl} --endpoints=$member --dial-timeout=1s --command-timeout=1s endpoint status >/dev/null 2>&1 && echo up; } &
    done; wait
  }
  until test -e /run/stop; do
    n=$(serving | grep -c up); [ "$n" -ge 2 ] || n=$(serving | grep -c up); echo "$n" >>/run/serving
  done`;
  await rig.lab.run('m2', ['systemd-run', '--quiet', '--unit=load', 'sh', '-c', write]);
  await rig.lab.run('m1', ['systemd-run', '--quiet', '--unit=samples', 'sh', '-c', sample]);
  await rig.lab.run('m2', 'until [ -s /run/acknowledged ]; do sleep 0.1; done');
  return Number(await rig.lab.run('m2', 'wc -l </run/acknowledged'));
}

async function endLoad(): Promise<{ acknowledged: string[]; serving: number[] }> {
  await onEach(': >/run/stop');
  await onEach('while systemctl -q is-active load samples; do sleep 0.1; done');
  return {
    acknowledged: (await rig.lab.run('m2', 'cat /run/acknowledged')).split('\n'),
    serving: (await rig.lab.run('m1', 'cat /run/serving')).split('\n').map(Number),
  };
}
