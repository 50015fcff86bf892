// `quorate status` on real hosts and a real etcd over TLS: what is wrong is said, what is not there is a row, nothing changes.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, type HandMadeEtcd, openEtcdByHand, PKI } from './etcd-by-hand.ts';
import { type Ended, openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
let rig: Rig;
let etcd: HandMadeEtcd;

interface Document {
  verdict: string;
  clusters: {
    serves: string;
    clusterId?: string;
    leader?: string;
    healthy: number;
    voters: number;
    tolerance: number;
    members: {
      host?: string;
      state: string;
      memberId?: string;
      programs?: number;
      status?: { clusterId: string; raftIndex: number; revision: number };
      hash?: { hash: number };
      failure?: { reason: string; message: string };
    }[];
    findings: { kind: string; severity: string; message: string; next: string; hosts: string[] }[];
  }[];
}

const validate = new Ajv2020({ strict: true, validateFormats: false }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/status.schema.json', import.meta.url), 'utf8')),
);

/** Far below what TCP waits for a host that is gone (two minutes), and an etcd that hangs is never done. */
const SILENCE_MS = 60_000;

async function look(
  ...args: string[]
): Promise<Ended & { main: Document['clusters'][0]; verdict: string; ms: number }> {
  const began = performance.now();
  const ended = await rig.quorate('status', '--json', '--connect-limit', '12', ...args);
  const document = JSON.parse(ended.stdout) as Document;
  expect(validate(document) || validate.errors).toBe(true);
  for (const { programs } of document.clusters[0]!.members) {
    if (!args.includes('--hashkv')) expect(programs ?? 0).toBeLessThanOrEqual(1);
  }
  return { ...ended, main: document.clusters[0]!, verdict: document.verdict, ms: performance.now() - began };
}

type Look = Awaited<ReturnType<typeof look>>;
const kinds = ({ main }: Look) =>
  main.findings.map(({ severity, kind, hosts }) => `${severity} ${kind} ${hosts.join(' ')}`);
const states = ({ main }: Look) => main.members.map(({ state }) => state);

function onEach(command: string, hosts = HOSTS): Promise<string[]> {
  return Promise.all(hosts.map((host) => rig.lab.run(host, command)));
}

/** A cluster of three from nothing. */
async function found(flags = ''): Promise<void> {
  await onEach(`systemctl stop etcd 2>/dev/null; rm -rf ${DATA}`);
  await etcd.found(HOSTS, flags);
}

/** Every member knows the leader again. */
async function settled(): Promise<void> {
  for (const host of HOSTS) await etcd.serving(host);
}

beforeAll(async () => {
  rig = await openRig('tstatus', '10.213.75', 3);
  etcd = await openEtcdByHand(rig);
  rig.write({ 'pillar/defaults.yaml': `etcd_runtime: systemd\netcd_bin_dir: /opt/etcd/${etcd.version}\n` });
});
afterAll(() => rig?.close());

describe('before anything is there', () => {
  it('says that nothing was ever founded', async () => {
    const bare = await look();
    expect(bare.status).toBe(3);
    expect(kinds(bare)).toContain('warning not-founded m1 m2 m3');
    expect(kinds(bare).filter((kind) => !kind.includes('not-founded'))).toEqual([]);
  });
});

describe('a healthy cluster', () => {
  beforeAll(() => found());

  it('is healthy, by one program a host that changes nothing and moves nothing', async () => {
    await etcd.ctl('m1', 'put a b');
    const before = await Promise.all(HOSTS.map((host) => rig.lab.listing(host)));
    const first = await look();
    expect(first.main.findings).toEqual([]);
    expect(first).toMatchObject({ status: 0, verdict: 'healthy' });
    expect(first.main).toMatchObject({ serves: 'yes', voters: 3, healthy: 3, tolerance: 1 });
    expect(first.main.members.map(({ programs }) => programs)).toEqual([1, 1, 1]);

    const members = (await etcd.ctl('m1', 'member list')).split('\n').map((line) => line.split(', '));
    const named = Object.fromEntries(members.map(([id, , name]) => [name, id]));
    for (const { host, memberId } of first.main.members) expect(memberId).toBe(named[host!]);

    const text = await rig.quorate('status');
    expect(text.stdout).toMatch(/^main serves: 3 voters, all healthy: quorum 2, tolerance 1\n/);
    const last = await look();
    const indexes = ({ main }: Look) => main.members.map(({ status }) => status?.raftIndex);
    expect(indexes(last)).toEqual(indexes(first));
    expect(await Promise.all(HOSTS.map((host) => rig.lab.listing(host)))).toEqual(before);
  });

  it('can be compared by the hash of its data, for one more program', async () => {
    const hashed = await look('--hashkv');
    expect(hashed.status).toBe(0);
    expect(new Set(hashed.main.members.map(({ hash }) => hash?.hash)).size).toBe(1);
    expect(hashed.main.members[0]!.hash?.hash).toBeGreaterThan(0);
    expect(hashed.main.members.map(({ programs }) => programs)).toEqual([2, 2, 2]);
  });
});

/** A member believes in its leader until an election has come to nothing. */
async function leaderless(host: string): Promise<void> {
  await expect
    .poll(() => etcd.ctl(host, 'endpoint status -w json'), { timeout: 60_000, interval: 100 })
    .not.toMatch(/"leader":[1-9]/);
}

describe('somebody is missing', () => {
  it('a member that is stopped', async () => {
    await rig.lab.run('m2', 'systemctl stop etcd');
    await etcd.serving('m1');
    const seen = await look();
    await rig.lab.run('m2', 'systemctl start etcd');
    await settled();
    expect(seen.status).toBe(2);
    expect(kinds(seen)).toEqual(['critical member-down m2']);
    expect(seen.main).toMatchObject({ serves: 'yes', healthy: 2, tolerance: 0 });
    expect(seen.main.findings[0]!.message).toContain('etcd.service is inactive (dead), nothing listens on port 2379');
  });

  it('a host whose cable is cut: its etcd may serve, so it is asked for, not judged', async () => {
    await rig.lab.cut('m3');
    const seen = await look();
    await rig.lab.heal('m3');
    await settled();
    expect(seen.status).toBe(4);
    expect(kinds(seen)).toEqual(['warning host-unreachable m3']);
    expect(states(seen)).toEqual(['serving', 'serving', 'unknown']);
    expect(seen.ms).toBeLessThan(SILENCE_MS);
  });

  it('a host that hangs', async () => {
    await rig.lab.freeze('m3');
    const seen = await look();
    await rig.lab.thaw('m3');
    await settled();
    expect(seen.status).toBe(4);
    expect(kinds(seen)).toHaveLength(1);
    expect(kinds(seen)[0]).toMatch(/^warning host-(unreachable|hangs) m3$/);
    expect(seen.ms).toBeLessThan(SILENCE_MS);
  });

  it('a host that hangs in the middle of the program: what it said before still counts', async () => {
    await rig.lab.run('m1', 'mkdir -p /var/lib/quorate; mkfifo /var/lib/quorate/main.json');
    const seen = await look('--program-limit', '3');
    await rig.lab.run('m1', 'rm -r /var/lib/quorate');
    expect(seen.status).toBe(4);
    expect(kinds(seen)).toEqual(['warning host-hangs m1']);
    expect(seen.main.findings[0]!.message).toContain('(at: ledger)');
    expect(states(seen)).toEqual(['serving', 'serving', 'serving']);
  });

  it('an etcd that is stopped in the middle of its work', async () => {
    await rig.lab.run('m2', 'kill -STOP $(pgrep -x etcd)');
    const seen = await look();
    await rig.lab.run('m2', 'kill -CONT $(pgrep -x etcd)');
    await settled();
    expect(seen.status).toBe(2);
    expect(kinds(seen)).toContain('critical member-silent m2');
    expect(seen.main.findings.find(({ kind }) => kind === 'member-silent')!.message).toContain('SIGSTOP');
    expect(seen.ms).toBeLessThan(SILENCE_MS);
  });

  it('two of three members, seen to be down', async () => {
    await onEach('systemctl stop etcd', ['m1', 'm2']);
    await leaderless('m3');
    const seen = await look();
    await onEach('systemctl start --no-block etcd', ['m1', 'm2']);
    await settled();
    expect(seen.status).toBe(2);
    expect(kinds(seen)).toEqual(['critical no-quorum m1 m2 m3', 'critical member-down m1', 'critical member-down m2']);
    expect(seen.main.serves).toBe('no');
    expect(seen.main.findings[0]!.message).toBe('no quorum: 1 of 3 voters answers, 2 are needed (missing: m1, m2)');
  });

  it('two of three hosts gone: one is enough to say so', async () => {
    await rig.lab.crash('m1');
    await rig.lab.crash('m2');
    await leaderless('m3');
    const seen = await look();
    await rig.lab.start('m1');
    await rig.lab.start('m2');
    await settled();
    expect(seen.status).toBe(2);
    expect(kinds(seen)[0]).toBe('critical no-quorum m1 m2 m3');
    expect(seen.main.findings[0]!.message).toMatch(/^no quorum in sight: m3 knows of no leader, and only m1, m2/);
    expect(seen.main.serves).toBe('unknown');
  });

  it('everybody', async () => {
    for (const host of HOSTS) await rig.lab.cut(host);
    const seen = await look();
    await rig.lab.heal();
    await settled();
    expect(seen.status).toBe(4);
    expect(kinds(seen)[0]).toBe('critical nothing-known m1 m2 m3');
    expect(states(seen)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(seen.ms).toBeLessThan(SILENCE_MS);
  });
});

describe('nothing to ask with', () => {
  it('no etcdctl', async () => {
    rig.write({ 'pillar/hosts/m2.yaml': 'etcd_bin_dir: /nowhere\n' });
    const seen = await look();
    rig.write({ 'pillar/hosts/m2.yaml': '{}\n' });
    expect(seen.status).toBe(4);
    expect(kinds(seen)).toEqual(['warning not-askable m2']);
    expect(seen.main.findings[0]!.message).toBe("m2's etcd could not be asked: there is no etcdctl, though etcd runs");
  });

  it("etcdctl in the container's own file system, as a static pod has it", async () => {
    rig.write({ 'pillar/hosts/m2.yaml': 'etcd_bin_dir: /nowhere\n' });
    const dropIn = '/run/systemd/system/etcd.service.d';
    const bind = `/opt/etcd/${etcd.version}/etcdctl:/usr/local/bin/etcdctl`;
    const text = `[Service]\nTemporaryFileSystem=/usr/local/bin\nBindReadOnlyPaths=${bind}\n`;
    await rig.lab.run('m2', `mkdir -p ${dropIn}; cat >${dropIn}/bind.conf`, text);
    await rig.lab.run('m2', 'systemctl daemon-reload; systemctl restart etcd; test ! -e /usr/local/bin/etcdctl');
    await settled();
    const seen = await look();
    await rig.lab.run('m2', `rm -r ${dropIn}; systemctl daemon-reload`);
    rig.write({ 'pillar/hosts/m2.yaml': '{}\n' });
    expect(seen.main.findings).toEqual([]);
  });

  it('no certificate', async () => {
    await rig.lab.run('m2', `mv ${PKI}/healthcheck-client.crt ${PKI}/away`);
    const seen = await look();
    await rig.lab.run('m2', `mv ${PKI}/away ${PKI}/healthcheck-client.crt`);
    expect(seen.status).toBe(4);
    expect(kinds(seen)).toEqual(['warning not-askable m2', 'warning certificate-missing m2']);
  });

  it('a certificate that has ended', async () => {
    await etcd.certify('m2', 'server', 30, new Date(Date.now() - 60 * 86_400_000));
    const seen = await look();
    await etcd.certify('m2', 'server', 365);
    expect(seen.status).toBe(2);
    expect(kinds(seen)).toEqual(['critical member-silent m2', 'critical certificate-expired m2']);
    expect(seen.main.findings[1]!.message).toContain('m2 server.crt (30 d ago)');
  });
});

describe('watching', () => {
  it('shows hosts that go and come again, keeps its connections, and ends on Ctrl-C', async () => {
    const logins = () => rig.lab.run('m1', 'journalctl -u ssh | grep -c Accepted || true').then(Number);
    const before = await logins();
    const running = rig.start('status', '--watch', '1', '--json', '--connect-limit', '12');
    const documents = () =>
      running
        .printed()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Document);
    const until = async (verdict: string) => {
      for (const end = Date.now() + 60_000; documents().at(-1)?.verdict !== verdict; await sleep(200)) {
        if (Date.now() > end) throw new Error(`it never became ${verdict}: ${running.printed().slice(-2000)}`);
      }
    };
    await until('healthy');
    await rig.lab.cut('m3');
    await until('unreachable');
    await rig.lab.heal('m3');
    await until('healthy');
    running.kill('SIGINT');
    const ended = await running.ended;
    expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' });
    expect(documents().every((document) => validate(document))).toBe(true);
    // m1 was never waiting for m3.
    expect(documents().at(-1)!.clusters[0]!.members[0]!.programs).toBeGreaterThan(8);
    expect(await logins()).toBe(before + 1);
  });
});

describe('the membership', () => {
  it('a learner, from the moment it is added', async () => {
    await found();
    const id = (await look()).main.members[2]!.memberId;
    await rig.lab.run('m3', `systemctl stop etcd; rm -rf ${DATA}`);
    await etcd.ctl('m1', `member remove ${id}`);
    const removed = await look();
    expect(kinds(removed)).toEqual(expect.arrayContaining(['warning not-a-member m3', 'warning even-members m1 m2']));

    await etcd.serving('m1');
    await sleep(5000);
    await etcd.ctl('m1', `member add m3 --learner --peer-urls=https://${rig.lab.address('m3')}:2380`);
    expect(kinds(await look())).toContain('warning member-unstarted m3');

    await etcd.prepare('m3', HOSTS, 'existing');
    await rig.lab.run('m3', 'systemctl start etcd; sleep 2');
    const learning = await look();
    expect(kinds(learning)).toContain('note learner m3');
    expect(learning.main).toMatchObject({ voters: 2, healthy: 2, tolerance: 0 });
  });
});

describe('split-brain', () => {
  it('a wiped member that was started as a cluster of its own', async () => {
    await found();
    await etcd.ctl('m1', 'put a b');
    await rig.lab.run('m3', `systemctl stop etcd; rm -rf ${DATA}`);
    await etcd.prepare('m3', ['m3'], 'new');
    await rig.lab.run('m3', 'systemctl start etcd');
    await etcd.serving('m3');
    const seen = await look();
    expect(seen.status).toBe(2);
    expect(kinds(seen)).toContain('critical different-clusters m1 m2 m3');
    expect(states(seen)).toEqual(['serving', 'serving', 'foreign']);
    const { message, next } = seen.main.findings.find(({ kind }) => kind === 'different-clusters')!;
    expect(message).toMatch(/^split-brain, 2 clusters where one is declared: m1, m2 in cluster .*; m3 in cluster /);
    expect(next).toMatch(/^stop etcd on m3 now/);
    expect(seen.main.members[2]!.status!.clusterId).not.toBe(seen.main.clusterId);
  });

  it('two wiped members that came back as an empty cluster under the old id', async () => {
    await found();
    const client = `--cacert ${PKI}/ca.crt --cert ${PKI}/healthcheck-client.crt --key ${PKI}/healthcheck-client.key`;
    const put = `curl -sS ${client} -d '{"key":"YQ==","value":"Yg=="}' 'https://127.0.0.1:2379/v3/kv/put#[1-1500]'`;
    await rig.lab.run('m1', `${put} >/dev/null`);
    // m3 keeps running: a member that is restarted without a quorum serves no status.
    await rig.lab.cut('m3', 'm1');
    await rig.lab.cut('m3', 'm2');
    await onEach(`systemctl stop etcd; rm -rf ${DATA}`, ['m1', 'm2']);
    await onEach('systemctl start etcd', ['m1', 'm2']);
    await etcd.serving('m1');
    await sleep(3000);
    const seen = await look();
    await rig.lab.heal();
    expect(seen.status).toBe(2);
    expect(new Set(seen.main.members.map(({ status }) => status?.clusterId)).size).toBe(1);
    expect(kinds(seen)).toContain(`critical histories-differ m3 ${seen.main.leader}`);
  });
});

describe('a full database', () => {
  it('NOSPACE, with what to do', async () => {
    await found('--quota-backend-bytes 4194304');
    rig.write({ 'pillar/clusters/main.yaml': 'etcd_quota_backend_bytes: 4194304\n' });
    const fill =
      'for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero | tr "\\0" x | CTL put k$i >/dev/null || exit 0; done';
    await rig.lab.run('m1', fill.replace('CTL', etcd.command));
    const seen = await look();
    expect(seen.status).toBe(2);
    expect(kinds(seen)[0]).toMatch(/^critical alarm-nospace /);
    expect(seen.main.findings[0]!.next).toContain('etcdctl alarm disarm');
    expect(kinds(seen).some((kind) => kind.includes('database-full'))).toBe(true);
  });
});
