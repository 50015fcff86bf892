// The controller dies, or the leader's host does, in the middle of the main job: the cluster stays one, keeps its data, and
// the next run finishes.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, LEDGER, openCluster, type Runtime } from './cluster.ts';
import { type Load, startLoad } from './load.ts';
import type { RunDocument } from './rig.ts';
import { saying } from './saying.ts';

const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const AGAIN = [...APPLY, '--lock-wait', '60'];
let cluster: Cluster;

/** When the controller is killed: at a share of the time that a run takes, or when it has said something so many times. */
type Moment = { name: string; share?: number; text?: string; times?: number };

const saidThat = (text: string, times = 1): Moment => ({
  name: `when it has said "${text}"${times > 1 ? ` ${times} times` : ''}`,
  text,
  times,
});

/** Shares of a run, spread evenly and not quite: the same in every test run. */
function shares(count: number, seed: number): Moment[] {
  let state = seed;
  return Array.from({ length: count }, (_, at) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const share = (at + state / 2 ** 31) / count;
    return { name: `after ${(share * 100).toFixed(0)} % of its time`, share };
  });
}

const BOOTSTRAP: Moment[] = [
  ...[': connected', 'plan: ', 'stage 1 of 2', 'changed kubernetes.etcd.guarded/member', 'etcd.pki/peer …'].map(
    (text) => saidThat(text),
  ),
  saidThat('changed kubernetes.etcd.configured/service'),
  saidThat('stage 2 of 2'),
  saidThat('proving'),
  // Between the rounds, and in the one that takes `new` away.
  saidThat('plan: ', 2),
  saidThat('stage 1 of 3'),
  saidThat('waiting for cluster main', 2),
  saidThat('proving', 2),
  ...shares(8, 7),
];
const ROLL: Moment[] = [
  ...['plan: ', 'stage 1 of 3', 'configured/environment …', 'configured/service …', 'waiting for cluster main'].map(
    (text) => saidThat(text),
  ),
  saidThat('stage 1 finished'),
  saidThat('stage 2 of 3'),
  saidThat('configured/service …', 2),
  saidThat('cluster main is healthy', 2),
  saidThat('stage 3 of 3'),
  saidThat('configured/service …', 3),
  saidThat('proving'),
  ...shares(8, 11),
];
const POD_BOOTSTRAP = [saidThat('configured/pod …', 2), saidThat('plan: ', 2), ...shares(1, 5)];
const POD_ROLL = [
  saidThat('configured/pod …'),
  saidThat('changed kubernetes.etcd.configured/manifest', 2),
  ...shares(1, 3),
];

/** From the start of a whole run to its first word and to its end. Milliseconds. */
type Span = { first: number; last: number };

async function measure(): Promise<Span> {
  const began = performance.now();
  const running = cluster.rig.start(...APPLY, '-v');
  await saying(running, 'run ');
  const first = performance.now() - began;
  const { status, stdout } = await running.ended;
  expect(status, stdout).toBe(0);
  return { first, last: performance.now() - began };
}

/** Kills the controller at its moment; whether it was still at work. */
async function killAt({ share, text, times }: Moment, { first, last }: Span): Promise<boolean> {
  const running = cluster.rig.start(...APPLY, '-v');
  if (share !== undefined) await sleep(first + (last - first) * share);
  else await saying(running, text!, times);
  running.kill();
  return (await running.ended).status === null;
}

async function clusterIds(): Promise<(string | undefined)[]> {
  const all = await Promise.all(HOSTS.map(cluster.status));
  return all.map((one) => one?.cluster);
}

async function expectRunFinishes(): Promise<RunDocument> {
  const { status, document, stdout } = await cluster.rig.json(...AGAIN);
  expect(status, stdout).toBe(0);
  return document;
}

/** Nothing of a run is left on any host: no part of a file, no owed restart, no lock, no word of how it began. */
async function expectNothingLeft(): Promise<void> {
  const left = `
    find /etc /run /tmp /usr/local /var/lib/etcd /var/lib/quorate -name '.quorate-??????' 2>/dev/null
    ls /var/lib/quorate/pending /run/quorate 2>/dev/null | grep -v ':$' | grep .
    ls /var/lib/quorate/*.bootstrap 2>/dev/null
    grep -rlE 'cluster-state=new|STATE=.?new|cluster-token|TOKEN' /etc/etcd /etc/systemd/system /etc/kubernetes/manifests 2>/dev/null || :`;
  expect(await cluster.onEach(left)).toEqual(['', '', '']);
  expect(await cluster.runsWith('initial-cluster-state')).toEqual(Array(3).fill('existing'));
}

let told = 0;
function tell(text: string): void {
  process.stderr.write(`  ${(performance.now() / 1000).toFixed(0)} s: ${++told}. ${text}\n`);
}

describe.each<{ runtime: Runtime; bootstrap: Moment[]; roll: Moment[] }>([
  { runtime: 'systemd', bootstrap: BOOTSTRAP, roll: ROLL },
  { runtime: 'static_pod', bootstrap: POD_BOOTSTRAP, roll: POD_ROLL },
])('with etcd_runtime $runtime', ({ runtime, bootstrap, roll }) => {
  beforeAll(async () => {
    cluster = await openCluster('tkill', '10.213.77', runtime);
  });
  afterAll(() => cluster?.rig.close());

  describe('a bootstrap whose controller is killed', () => {
    let span: Span;
    let [killed, formed, remembered] = [0, 0, 0];
    beforeAll(async () => {
      cluster.pillar();
      span = await measure();
    });

    it.each(bootstrap)('goes on with the same cluster: $name', async (moment) => {
      await cluster.bare();
      if (await killAt(moment, span)) killed += 1;
      // Whoever serves already is of the cluster that stays, and what it has acknowledged stays too.
      const tokens = await cluster.onEach(
        `cat /var/lib/quorate/main.* 2>/dev/null | grep -oE '"token": *"[^"]+"' | grep -oE '[0-9a-f-]{36}' || :`,
      );
      const before = await clusterIds();
      const written = await Promise.all(
        HOSTS.map(async (host, at) => {
          const put = `${cluster.ctl} --command-timeout=2s put early/${host} ${host}`;
          return before[at] !== undefined && (await cluster.rig.lab.exec(host, put)).status === 0 ? [host] : [];
        }),
      );
      if (before.some(Boolean)) formed += 1;

      await expectRunFinishes();
      const after = await clusterIds();
      expect(after).toEqual(Array(3).fill(after[0]));
      for (const id of before.filter(Boolean)) expect(id).toBe(after[0]);
      const ledger = await cluster.rig.lab.run('m2', `cat ${LEDGER}`);
      for (const token of new Set(tokens.flatMap((text) => text.split('\n')).filter(Boolean))) {
        expect(ledger).toContain(token);
        remembered += 1;
      }
      for (const host of written.flat()) {
        expect(await cluster.etcdctl('m3', `get early/${host} --print-value-only`)).toBe(host);
      }
      await expectNothingLeft();

      const third = await cluster.rig.json(...APPLY);
      expect(third.document.outcome).toBe('ok');
      expect(Object.values(third.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
      tell(`bootstrap, killed ${moment.name}: ${before.filter(Boolean).length} served, ${written.flat().length} wrote`);
    });

    it('was really killed in most of them, and in many when there was a cluster already', () => {
      expect(killed).toBeGreaterThan(bootstrap.length * 0.8);
      expect(formed).toBeGreaterThanOrEqual(bootstrap.length / 4);
      expect(remembered).toBeGreaterThanOrEqual(formed);
    });
  });

  describe('a roll whose controller is killed, under a steady write load', () => {
    let span: Span;
    let load: Load;
    let id: string | undefined;
    let [killed, count] = [0, 20_000];
    const change = () => cluster.pillar(`etcd_snapshot_count: ${++count}\n`);
    beforeAll(async () => {
      cluster.pillar();
      await expectRunFinishes();
      [id] = await clusterIds();
      load = await startLoad(cluster.rig, HOSTS, cluster.ctl);
      change();
      span = await measure();
    });

    it.each(roll)('is finished by the next run: $name', async (moment) => {
      change();
      if (await killAt(moment, span)) killed += 1;
      await expectRunFinishes();
      expect(await cluster.runsWith('snapshot-count')).toEqual(Array(3).fill(`${count}`));
      expect(await clusterIds()).toEqual([id, id, id]);
      await expectNothingLeft();
      tell(`roll, killed ${moment.name}`);
    });

    it('never has fewer than 2 of 3 members serving, and loses no acknowledged write', async () => {
      expect(killed).toBeGreaterThan(roll.length * 0.6);
      const { acknowledged, serving } = await load.end();
      tell(`${acknowledged.length} writes, ${serving.length} samples, at least ${Math.min(...serving)} serving`);
      expect(serving.length).toBeGreaterThan(roll.length * 3);
      expect(Math.min(...serving)).toBeGreaterThanOrEqual(2);
      expect(acknowledged.length).toBeGreaterThan(load.before + roll.length * 3);
      const kept = new Set((await cluster.etcdctl('m3', 'get load/ --prefix --keys-only')).split('\n'));
      expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
      expect((await cluster.rig.json(...APPLY)).document.outcome).toBe('ok');
    });
  });
});
