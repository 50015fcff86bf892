// The snapshot job on real masters: deployed behind the API servers, run from the cluster, changed, blocked by nobody, taken away.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Rig } from '../lab/rig.ts';

/** The masters that the tests find, each with two clusters of etcd and an API server that is ready. */
export interface Masters {
  hosts: string[];
  rig(): Rig;
  /** Sets the pillar: what is the same in all tests, and this. */
  pillar(more: string): void;
}

const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const CRONJOB = 'kubernetes.etcd.snapshot_job/cronjob';
const VOLUME = '/var/lib/backup';
const FILES = ['snapshot.db', 'snapshot-events.db'];
const RENDERED = join(import.meta.dirname, '../unit/states/snapshots/addons');
const soon = { timeout: 120_000, interval: 500 };
/** Snapshots are taken on m2; the job of a zone runs on m3. */
export const ON_M2 = 'enable_etcd_snapshot: true\netcd_events: true\netcd_snapshot_hostname: m2\n';
export const ZONE = 'z3';

export function describeSnapshotJob({ hosts, rig, pillar }: Masters): void {
  const kubectl = (command: string, input?: string) =>
    rig().lab.run('m1', `kubectl --kubeconfig=/etc/kubernetes/admin.conf --namespace=kube-system ${command}`, input);
  const orNothing = (said: Promise<string>) => said.catch(() => '');
  const get = (what: string, path: string) => orNothing(kubectl(`get ${what} -o jsonpath='{${path}}'`));
  const schedule = () => get('cronjob kube-etcd-snapshot', '.spec.schedule');
  /** What differs from the pillar when it is applied, and what the plan says first. */
  async function planned(): Promise<{ changes: unknown[]; notes: string[] }> {
    const { document } = await rig().json('plan', 'running', '-t', 'masters');
    const changes = document.results.filter(({ predicted }) => predicted.length > 0);
    return { changes: changes.map(({ resource, predicted }) => [resource, predicted]), notes: document.notes };
  }
  async function changed(): Promise<string[]> {
    const { status, document } = await rig().json(...APPLY);
    expect([status, document.failures]).toEqual([0, []]);
    return document.results.filter(({ outcome }) => outcome === 'changed').map(({ resource }) => resource);
  }
  /** A job that ends at its first failure; how many of its pods succeeded and failed. */
  async function run(name: string, spoil = (text: string) => text): Promise<string> {
    const job = JSON.parse(
      await kubectl(`create job ${name} --from=cronjob/kube-etcd-snapshot --dry-run=client -o json`),
    );
    job.spec.backoffLimit = 0;
    await kubectl('create -f -', spoil(JSON.stringify(job)));
    await expect.poll(() => get(`job ${name}`, '.status.conditions[0].type'), soon).toMatch(/Complete|Failed/);
    return get(`job ${name}`, '.status.conditions[0].type');
  }
  const sums = (host: string) => rig().lab.run(host, `cd ${VOLUME} && sha256sum ${FILES.join(' ')}`);
  const kept = async (host: string) => (await rig().lab.run(host, `ls ${VOLUME}`)).split('\n');

  describe('kubernetes.etcd.snapshot', () => {
    it('comes with the first run, behind etcd and the API servers of all masters', async () => {
      const runs = join(rig().folder, 'state/quorate/runs');
      const [first] = readdirSync(runs).sort();
      const lines = readFileSync(join(runs, first!, 'journal.jsonl'), 'utf8')
        .trim()
        .split('\n');
      const events = lines.map((line) => JSON.parse(line));
      const ready = events.flatMap(({ type, result }, at) =>
        type === 'resource-finished' &&
        result.resource === 'kubernetes.configured/ready' &&
        result.outcome === 'changed'
          ? [{ at, host: result.host }]
          : [],
      );
      const begun = events.findIndex(({ type, resource }) => type === 'resource-started' && resource === CRONJOB);
      const before = ready.filter(({ at }) => at < begun).map(({ host }) => host);
      expect(before.sort()).toEqual(hosts);
      expect(events.filter(({ type, resource }) => type === 'resource-started' && resource === CRONJOB)).toHaveLength(
        1,
      );
      expect(await kubectl('get cronjob')).toMatch(/^kube-etcd-snapshot +02 6 \* \* \* /m);
      expect(JSON.stringify(events)).toContain('runtime_config: batch/v2alpha1=true is obsolete');
    });

    it('has a job that ends well, and whose two files are whole', async () => {
      await kubectl('apply -f -', JSON.stringify(volume()));
      expect(await run('now')).toBe('Complete');
      expect(await get('pvc kube-etcd-snapshot-pvc', '.status.phase')).toBe('Bound');
      expect(await kept('m2')).toEqual([...FILES].sort());
      for (const file of FILES) {
        const here = join(rig().folder, file);
        writeFileSync(here, Buffer.from(await rig().lab.run('m2', `base64 ${VOLUME}/${file}`), 'base64'));
        expect((await rig().quorate('snapshot', 'verify', here)).status).toBe(0);
      }
    });

    it('leaves the last good files alone when etcd sends nothing, and keeps them beside the next', async () => {
      const before = await sums('m2');
      expect(await run('spoiled', (text) => text.replace('127.0.0.1:2379', '127.0.0.1:2'))).toBe('Failed');
      expect(await sums('m2')).toBe(before);
      // Main does not wait for the events.
      expect(await run('half', (text) => text.replace('127.0.0.1:2382', '127.0.0.1:2'))).toBe('Failed');
      const [main, events] = (await sums('m2')).split('\n');
      const [mainBefore, eventsBefore] = before.split('\n');
      expect([main !== mainBefore, events]).toEqual([true, eventsBefore]);
      expect(await kept('m2')).toEqual([
        'snapshot-events.db',
        'snapshot.db',
        expect.stringMatching(/^snapshot\.db\.\d{4}-\d\d-\d\dT\d{6}Z$/),
      ]);
    });

    it('changes in one line, and runs in a zone where that is asked for', async () => {
      const version = await get('pvc kube-etcd-snapshot-pvc', '.metadata.resourceVersion');
      pillar(`${ON_M2}etcd_snapshot_schedule: "0 7 * * *"\n`);
      const plan = await planned();
      expect(plan.changes).toEqual([[CRONJOB, [{ path: 'spec.schedule', before: '02 6 * * *', after: '0 7 * * *' }]]]);
      const time = '\\d{4}-\\d\\d-\\d\\d 07:00';
      const runs = new RegExp(
        `CronJob kube-system/kube-etcd-snapshot runs next at ${time}, ${time}, ${time} \\(UTC\\)$`,
      );
      expect(plan.notes).toContainEqual(expect.stringMatching(runs));
      expect(await changed()).toEqual([CRONJOB]);
      expect([await schedule(), await get('pvc kube-etcd-snapshot-pvc', '.metadata.resourceVersion')]).toEqual([
        '0 7 * * *',
        version,
      ]);
      pillar(ON_M2.replace('hostname: m2', `zone: ${ZONE}`));
      expect(await changed()).toEqual([CRONJOB]);
      expect(await run('zone')).toBe('Complete');
      expect(await kept('m3')).toEqual([...FILES].sort());
    });

    it('is changed while one master cannot be reached', async () => {
      pillar(`${ON_M2}etcd_snapshot_schedule: "0 8 * * *"\n`);
      await rig().lab.cut('m1');
      const { status, document } = await rig().json(...APPLY, '--connect-limit', '12');
      await rig().lab.heal('m1');
      expect(status).toBe(4);
      const cronjob = document.results.find(({ resource }) => resource === CRONJOB)!;
      expect([cronjob.host === 'm1', cronjob.outcome]).toEqual([false, 'changed']);
      await expect.poll(schedule, soon).toBe('0 8 * * *');
    });

    it('is left alone where somebody has changed it since the plan', async () => {
      const saved = join(rig().folder, 'plan.json');
      pillar(ON_M2);
      expect((await rig().quorate('plan', 'running', '-t', 'masters', '-o', saved)).status).toBe(0);
      await kubectl(`patch cronjob kube-etcd-snapshot --patch '{"spec":{"schedule":"0 9 * * *"}}'`);
      expect((await rig().quorate('apply', '--plan', saved, '--yes')).status).toBe(5);
      expect(await schedule()).toBe('0 9 * * *');
      expect(await changed()).toEqual([CRONJOB]);
    });

    it('goes when it is not wanted any more, and its volume stays', async () => {
      pillar('etcd_events: true\n');
      const plan = await planned();
      expect(plan.changes).toEqual([
        ['kubernetes.etcd.snapshot/absent', [{ path: 'exists', before: 'a CronJob', after: null }]],
      ]);
      expect(plan.notes).toContainEqual(
        expect.stringContaining('the claim kube-etcd-snapshot-pvc and its volume stay'),
      );
      expect(await changed()).toEqual(['kubernetes.etcd.snapshot/absent']);
      expect(await kubectl('get cronjob -o name')).toBe('');
      expect(await get('pvc kube-etcd-snapshot-pvc', '.status.phase')).toBe('Bound');
      expect(await kept('m2')).toContain('snapshot.db');
      expect(await rig().lab.run('m1', 'cat /var/lib/quorate/trash/*/*/CronJob-kube-etcd-snapshot.json')).toContain(
        '"kind": "CronJob"',
      );
      expect(await changed()).toEqual([]);
    });

    it('is what kubectl and this API server accept, with every pillar', async () => {
      for (const folder of readdirSync(RENDERED)) {
        for (const file of readdirSync(join(RENDERED, folder))) {
          const text = readFileSync(join(RENDERED, folder, file), 'utf8');
          if (text === 'nothing\n') continue;
          // This one is of 1.20, which has the same CronJob under another version of its API; and a claim that is there already
          // could not get another class.
          const known = text
            .replace('apiVersion: batch/v1\n', 'apiVersion: batch/v1beta1\n')
            .replace(/^ {2}name: .*$/m, '  name: tried');
          for (const tried of ['create --dry-run=client', 'apply --dry-run=server']) {
            const said = await kubectl(`${tried} -f - -o name`, known);
            expect(said, `${tried} ${folder}/${file}`).toMatch(/^[a-z0-9.]+\/\S+$/);
          }
        }
      }
    });

    it('and the storage class come through the addon manager where the pillar says so, and go with their files', async () => {
      pillar(`${ON_M2}addon_deployment: addon-manager\nenable_default_storage_class: true\ncloud_provider: aws\n`);
      expect(await changed()).toEqual(
        expect.arrayContaining(['kubernetes.configured/kube-addon-manager', 'kubernetes.etcd.snapshot_job/file']),
      );
      await hurry();
      await expect.poll(schedule, soon).toBe('02 6 * * *');
      await expect.poll(() => get('storageclass gp2', '.provisioner'), soon).toBe('kubernetes.io/aws-ebs');
      pillar('etcd_events: true\naddon_deployment: addon-manager\n');
      expect(await changed()).toEqual(
        expect.arrayContaining(['kubernetes.etcd.snapshot/no-file', 'kubernetes.etcd.snapshot/absent']),
      );
      await hurry();
      expect(await kubectl('get cronjob -o name')).toBe('');
      expect(await get('pvc kube-etcd-snapshot-pvc', '.status.phase')).toBe('Bound');
      pillar(ON_M2);
      expect(await changed()).toEqual(expect.arrayContaining(['kubernetes.configured/no-addon-manager', CRONJOB]));
      await expect.poll(() => rig().lab.run('m1', 'pgrep -f [k]ube-addons-main || :'), soon).toBe('');
      expect(await changed()).toEqual([]);
    });
  });

  /** An addon manager looks at its folder once a minute: what it sleeps in is ended. */
  async function hurry(): Promise<void> {
    const wake = 'for pid in $(pgrep -f [k]ube-addons-main.sh); do pkill -x -P $pid sleep; done; :';
    await Promise.all(hosts.map((host) => rig().lab.run(host, wake)));
  }
}

/** The volume for the claim: a folder of whichever host the job runs on. */
function volume() {
  const claimRef = { namespace: 'kube-system', name: 'kube-etcd-snapshot-pvc' };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'snapshots' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'gp2',
      claimRef,
      hostPath: { path: VOLUME, type: 'DirectoryOrCreate' },
    },
  };
}
