// The drill and a sample of the crash matrix, with every other etcd that there is, and on static pods without a control plane.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTS, type Runtime } from './cluster.ts';
import { SEED } from './extent.ts';
import { randomNumbers } from './random.ts';
import { record } from './recording.ts';
import { openRestoring, type Restoring, type Way } from './restoring.ts';

interface Place {
  name: string;
  runtime: Runtime;
  version?: string;
  /** 3.4.23 cannot raise the revision. */
  bumps: boolean;
  /** Of the run that is interrupted. */
  way: Way;
}

const PLACES: Place[] = [
  { name: 'etcd 3.4.23', runtime: 'systemd', version: '3.4.23', bumps: false, way: 'resume' },
  { name: 'etcd 3.5.16', runtime: 'systemd', version: '3.5.16', bumps: true, way: 'undo' },
  { name: 'static pods', runtime: 'static_pod', bumps: true, way: 'resume' },
];

describe.each(PLACES)('$name', ({ runtime, version, bumps, way }) => {
  let restoring: Restoring;
  let entries: number;
  const random = randomNumbers(SEED);

  beforeAll(async () => {
    restoring = await openRestoring('tbelse', '10.213.105', { runtime, ...(version === undefined ? {} : { version }) });
  });
  afterAll(() => restoring?.close());

  it('two disks are gone, and every key of the snapshot is back under a new id, and none of the later ones', async () => {
    const { cluster, kept } = restoring;
    await cluster.etcdctl('m1', 'put /registry/pods/ns/late x');
    const former = await cluster.status('m3');
    await cluster.stopMember('m1', 'm2');
    await cluster.onEach('rm -rf /var/lib/etcd', ['m1', 'm2']);
    const restored = await restoring.restore().ended;
    expect(restored.status, restored.stdout + restored.stderr).toBe(0);
    const ids = await Promise.all(HOSTS.map(async (host) => (await cluster.status(host))?.cluster));
    expect(ids).toEqual(Array(3).fill(ids[0]));
    expect(ids[0]).not.toBe(former!.cluster);
    for (const host of HOSTS) expect(await restoring.everything(host)).toBe(kept);
    const { revision } = JSON.parse(await cluster.etcdctl('m1', 'get x -w json')).header;
    expect(Number(revision) > 1e9).toBe(bumps);
    const { run, entries: written } = restoring.lastRun();
    expect(await cluster.rig.lab.run('m3', `ls /var/lib/etcd.pre-${run}`)).toContain('member');
    const again = await cluster.rig.json('apply', 'running', '-t', 'masters', '--yes');
    expect([again.status, again.document.outcome]).toEqual([0, 'ok']);
    entries = written.length;
  });

  it(`the controller is killed after an entry of its journal, then ${way}`, async () => {
    // In the midst of it: what is before the first step and after the last one is the same everywhere.
    const moment = Math.floor(entries * (0.3 + 0.5 * random()));
    const outcome = await restoring.expectMended(way, () => restoring.restoreKilledAfter(moment));
    record(restoring.cluster, {
      what: 'the controller is killed',
      way,
      at: 'a step in the midst',
      how: `after entry ${moment} of ${entries}`,
      outcome,
    });
  });
});
