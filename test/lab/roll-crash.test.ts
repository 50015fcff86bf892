// The controller dies in the middle of a roll under a steady write load: a quorum serves throughout, and the next run finishes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster, type Runtime } from './cluster.ts';
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
import { type Load, startLoad } from './load.ts';

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
const POD_ROLL = [
  saidThat('configured/pod …'),
  saidThat('changed kubernetes.etcd.configured/manifest', 2),
  ...shares(1, 3),
];

describe.each<{ runtime: Runtime; moments: Moment[] }>([
  { runtime: 'systemd', moments: sample(ROLL) },
  { runtime: 'static_pod', moments: POD_ROLL },
])('a roll whose controller is killed, with etcd_runtime $runtime', ({ runtime, moments }) => {
  let cluster: Cluster;
  let killer: Killer;
  let load: Load;
  let id: string | undefined;
  let count = 20_000;
  const change = () => cluster.pillar(`etcd_snapshot_count: ${++count}\n`);
  beforeAll(async () => {
    cluster = await openCluster('tkill', '10.213.77', runtime);
    cluster.pillar();
    await expectRunFinishes(cluster);
    [id] = await clusterIds(cluster);
    load = await startLoad(cluster.rig, HOSTS, cluster.ctl);
    change();
    killer = new Killer(cluster);
    await killer.measure();
  });
  afterAll(() => cluster?.rig.close());

  it.each(moments)('is finished by the next run: $name', async (moment) => {
    change();
    await killer.kill(moment);
    await expectRunFinishes(cluster);
    expect(await cluster.runsWith('snapshot-count')).toEqual(Array(3).fill(`${count}`));
    expect(await clusterIds(cluster)).toEqual([id, id, id]);
    await expectNothingLeft(cluster);
    tell(`roll, killed ${moment.name}`);
  });

  it('never has fewer than 2 of 3 members serving, and loses no acknowledged write', async () => {
    expect(killer.killed).toBeGreaterThan(moments.length * 0.6);
    const { acknowledged, serving } = await load.end();
    tell(`${acknowledged.length} writes, ${serving.length} samples, at least ${Math.min(...serving)} serving`);
    expect(serving.length).toBeGreaterThan(moments.length * 3);
    expect(Math.min(...serving)).toBeGreaterThanOrEqual(2);
    expect(acknowledged.length).toBeGreaterThan(load.before + moments.length * 3);
    const kept = new Set((await cluster.etcdctl('m3', 'get load/ --prefix --keys-only')).split('\n'));
    expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
    expect((await cluster.rig.json(...APPLY)).document.outcome).toBe('ok');
  });
});
