// The controller dies in the middle of a bootstrap: the cluster that began is the one that comes to be, and the next run finishes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, LEDGER, openCluster, type Runtime } from './cluster.ts';
import { sample } from './extent.ts';
import {
  APPLY,
  clusterIds,
  expectNothingLeft,
  expectRunFinishes,
  Killer,
  type Moment,
  saidThat,
  shares,
  tell,
} from './killing.ts';

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
const POD_BOOTSTRAP = [saidThat('configured/pod …', 2), saidThat('plan: ', 2), ...shares(1, 5)];

describe.each<{ runtime: Runtime; moments: Moment[] }>([
  { runtime: 'systemd', moments: sample(BOOTSTRAP) },
  { runtime: 'static_pod', moments: POD_BOOTSTRAP },
])('a bootstrap whose controller is killed, with etcd_runtime $runtime', ({ runtime, moments }) => {
  let cluster: Cluster;
  let killer: Killer;
  let [formed, remembered] = [0, 0];
  beforeAll(async () => {
    cluster = await openCluster('tboot', '10.213.70', runtime);
    cluster.pillar();
    killer = new Killer(cluster);
    await killer.measure();
  });
  afterAll(() => cluster?.rig.close());

  it.each(moments)('goes on with the same cluster: $name', async (moment) => {
    await cluster.bare();
    await killer.kill(moment);
    // Whoever serves already is of the cluster that stays, and what it has acknowledged stays too.
    const tokens = await cluster.onEach(
      `cat /var/lib/quorate/main.* 2>/dev/null | grep -oE '"token": *"[^"]+"' | grep -oE '[0-9a-f-]{36}' || :`,
    );
    const before = await clusterIds(cluster);
    const written = await Promise.all(
      HOSTS.map(async (host, at) => {
        const put = `${cluster.ctl} --command-timeout=2s put early/${host} ${host}`;
        return before[at] !== undefined && (await cluster.rig.lab.exec(host, put)).status === 0 ? [host] : [];
      }),
    );
    if (before.some(Boolean)) formed += 1;

    await expectRunFinishes(cluster);
    const after = await clusterIds(cluster);
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
    await expectNothingLeft(cluster);

    const third = await cluster.rig.json(...APPLY);
    expect(third.document.outcome).toBe('ok');
    expect(Object.values(third.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    tell(`bootstrap, killed ${moment.name}: ${before.filter(Boolean).length} served, ${written.flat().length} wrote`);
  });

  it('was really killed in most of them, and in many when there was a cluster already', () => {
    expect(killer.killed).toBeGreaterThan(moments.length * 0.6);
    expect(formed).toBeGreaterThanOrEqual(moments.length / 4);
    expect(remembered).toBeGreaterThanOrEqual(formed);
  });
});
