// What is deployed into the cluster: keys that contradict each other are refused at their place, before any host is asked.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import pillarSchema from '../../../schemas/pillar.schema.json' with { type: 'json' };
import { explainCron } from '../../../src/cron.ts';
import { formatPlace } from '../../../src/failure.ts';
import { readInventory } from '../../../src/inventory/read.ts';
import { readPillar } from '../../../src/pillar/read.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-addons-'));
  mkdirSync(join(folder, 'pillar'));
  writeFileSync(join(folder, 'inventory.yaml'), 'masters: { vars: { etcd_cluster: main }, hosts: { m1: , m2: } }\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(text: string) {
  writeFileSync(join(folder, 'pillar/defaults.yaml'), text);
  const inventory = await readInventory(join(folder, 'inventory.yaml'));
  if (!inventory.ok) throw new Error(JSON.stringify(inventory.failures));
  return readPillar({ directory: join(folder, 'pillar'), inventory: inventory.value });
}

/** `LINE:COLUMN message → next`. */
async function refusals(text: string): Promise<string[]> {
  const pillar = await read(text);
  if (pillar.ok) return [];
  return pillar.failures.map(({ place, message, next }) => {
    const at = formatPlace(place!).split(':').slice(-2).join(':');
    return `${at} ${message} → ${next}`;
  });
}

const BASE = `control_plane: managed
kubernetes_version: 1.34.1
etcd_version: 3.6.5
enable_etcd_snapshot: true
`;
const GOOD = `${BASE}etcd_snapshot_zone: us-west-1a\n`;

describe('the snapshot job', () => {
  it.each([
    GOOD,
    `${BASE}etcd_snapshot_hostname: ip-172-31-2-119\n`,
    `${GOOD}etcd_snapshot_hostname: null\n`,
    `${GOOD}etcd_snapshot_disk_size: 1.5Ti\netcd_snapshot_schedule: "*/10 * * * *"\n`,
    `${GOOD.replace('managed', 'kubeadm')}`,
    `${GOOD.replace('managed', 'kubeadm').replace('1.34.1', '1.7.16')}runtime_config: api/all=false,batch/v2alpha1=true\n`,
  ])('is taken: %j', async (pillar) => expect(await refusals(pillar)).toEqual([]));

  it.each([
    [
      BASE,
      '4:23 enable_etcd_snapshot needs to know where snapshots are taken → set etcd_snapshot_hostname to one master, or etcd_snapshot_zone to a zone that has one',
    ],
    [
      `${GOOD}etcd_snapshot_hostname: m1\n`,
      '6:25 etcd_snapshot_zone (us-west-1a) and etcd_snapshot_hostname (m1) are both set, and only one of them can say where snapshots are taken → keep one of the two; null takes away what a lower layer has set',
    ],
    [
      GOOD.replace('control_plane: managed\n', ''),
      '3:23 enable_etcd_snapshot needs an API server, and with control_plane: none there is none that Quorate knows of → set control_plane: kubeadm where kubeadm has made one (Quorate leaves it as it is), or managed',
    ],
    [
      GOOD.replace('managed', 'kubeadm').replace(/kubernetes_version.*\n/, ''),
      '3:23 enable_etcd_snapshot needs kubernetes_version, which says what a CronJob is in its API → kubernetes_version: MAJOR.MINOR.PATCH',
    ],
    [
      `etcd_runtime: systemd\n${GOOD.replace(/etcd_version.*\n/, '')}`,
      '4:23 enable_etcd_snapshot needs etcd_version, for the image and the tools of the job → etcd_version: MAJOR.MINOR.PATCH',
    ],
    [
      `${GOOD}etcd_snapshot_schedule: "0 6 * *"\n`,
      '6:25 etcd_snapshot_schedule ("0 6 * *") is no cron expression of five fields (minute, hour, day of the month, month, day of the week): it has 4 → etcd_snapshot_schedule: "02 6 * * *"',
    ],
    [
      `${GOOD}etcd_snapshot_disk_size: 1GB\n`,
      '6:26 etcd_snapshot_disk_size ("1GB") is no size: a quantity of Kubernetes has digits and then nothing, k, M, G, T, Ki, Mi, Gi or Ti → etcd_snapshot_disk_size: 1Gi',
    ],
    [
      `${GOOD.replace('managed', 'kubeadm').replace('1.34.1', '1.7.16')}runtime_config: batch/v2alpha1=false\n`,
      '6:17 enable_etcd_snapshot needs runtime_config: batch/v2alpha1=true with Kubernetes 1.7.16: before 1.8 no other API has CronJobs → runtime_config: batch/v2alpha1=true, and the same flag on each API server',
    ],
    [
      `${GOOD}runtime_config: batch/v2alpha1=true\n`,
      '6:17 runtime_config has batch/v2alpha1, and no API server since 1.21 starts with that (kubernetes_version is 1.34.1) → take it out: CronJobs need nothing of the kind since 1.8',
    ],
  ])('is refused: %j', async (pillar, message) => expect(await refusals(pillar)).toEqual([message]));

  it.each([
    ['etcd_snapshot_keep: 0\n', 'etcd_snapshot_keep must be at least 1'],
    ['etcd_snapshot_disk_sice: 1Gi\n', 'did you mean etcd_snapshot_disk_size?'],
    ['enable_etcd_snapshots: true\n', 'did you mean enable_etcd_snapshot?'],
    ['etcd_snapshot_disk_size: 1\n', 'write it in quotes: "1"'],
  ])('is refused by the schema: %j', async (more, message) =>
    expect((await refusals(GOOD + more)).join('\n')).toContain(message),
  );
});

describe('the default storage class', () => {
  const CLASS = 'control_plane: managed\nkubernetes_version: 1.34.1\nenable_default_storage_class: true\n';
  it('needs to know whose disks it provides', async () => {
    expect(await refusals(`${CLASS}cloud_provider: aws\n`)).toEqual([]);
    expect(await refusals(CLASS)).toEqual([
      '3:31 enable_default_storage_class needs cloud_provider, which says whose disks it provides → cloud_provider: aws, azure, gce, openstack or vsphere',
    ]);
    expect(await refusals('enable_default_storage_class: true\n')).toEqual([
      expect.stringMatching(/^1:31 enable_default_storage_class needs an API server/),
    ]);
    expect(await refusals('control_plane: kubeadm\nenable_default_storage_class: true\ncloud_provider: aws\n')).toEqual(
      [expect.stringMatching(/^2:31 enable_default_storage_class needs kubernetes_version/)],
    );
  });
});

describe('runtime_config', () => {
  it.each([
    ['1.7.16', 'batch/v2alpha1=true', false],
    ['1.8.0', 'batch/v2alpha1=true', true],
    ['1.20.2', 'api/all=false,batch/v2alpha1', true],
    ['1.20.2', 'batch/v2alpha1=false', false],
    ['1.20.2', undefined, false],
    [undefined, 'batch/v2alpha1=true', false],
  ])('with Kubernetes %s, %s is called obsolete at its place: %s', async (version, config, told) => {
    const lines = [
      ...(version === undefined ? [] : [`kubernetes_version: ${version}`]),
      ...(config === undefined ? [] : [`runtime_config: ${config}`]),
    ];
    const pillar = await read(`${lines.join('\n')}\n`);
    const warnings = (pillar.ok ? pillar.value.warnings : []).filter(({ message }) => message.includes('obsolete'));
    expect(warnings).toEqual(
      told
        ? [
            {
              message: expect.stringMatching(/^runtime_config: batch\/v2alpha1=true is obsolete, take it out/),
              place: expect.objectContaining({ line: 2, column: 17 }),
              hosts: ['m1', 'm2'],
            },
          ]
        : [],
    );
  });
});

it('the default of the schedule, which is not checked in a run, is right', () => {
  const { default: schedule } = pillarSchema.properties.etcd_snapshot_schedule;
  expect(explainCron(schedule)).toBeUndefined();
});
