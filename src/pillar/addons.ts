// Keys of what is deployed into the cluster, the snapshot job above all, that must agree with each other.
import { explainCron } from '../cron.ts';
import { compareVersions } from '../etcd/versions.ts';
import type { Failure } from '../failure.ts';
import { parseQuantity } from '../quantity.ts';
import type { ValueMap } from '../value.ts';
import { SCHEMA_DEFAULT } from './layer.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';
import type { Warning } from './warnings.ts';

/** What an API server before 1.8 has to be told to serve, and one since 1.21 knows no more. */
const ALPHA = 'batch/v2alpha1';

export function checkAddons(pillar: Pillar): Failure[] {
  return [
    ...checkSchedule(pillar),
    ...checkSize(pillar),
    ...checkPlace(pillar),
    ...checkNeeds(pillar),
    ...checkStorageClass(pillar),
    ...checkRuntimeConfig(pillar),
  ];
}

/** A key that is right, and has no effect any more. */
export function warnOfAddons(pillar: Pillar): Warning[] {
  const version = versionOf(pillar.data);
  const place = pillar.origins(['runtime_config'])[0]?.place;
  if (!servesAlpha(pillar.data) || version === undefined || place === undefined) return [];
  if (compareVersions(version, '1.8.0') < 0) return [];
  const message = `runtime_config: ${ALPHA}=true is obsolete, take it out: CronJobs need nothing of the kind since Kubernetes 1.8, and an API server of 1.21 does not start with it`;
  return [{ message, place, hosts: [pillar.host] }];
}

function checkSchedule(pillar: Pillar): Failure[] {
  const { etcd_snapshot_schedule: schedule } = pillar.data;
  // The schema's own default is right, and what would check it takes longer to load than a host to answer.
  const [set] = pillar.origins(['etcd_snapshot_schedule']);
  if (set === undefined || set.layer === SCHEMA_DEFAULT) return [];
  const wrong = typeof schedule === 'string' ? explainCron(schedule) : undefined;
  if (wrong === undefined) return [];
  const message = `etcd_snapshot_schedule (${JSON.stringify(schedule)}) is ${wrong}`;
  return [refuse(pillar, [['etcd_snapshot_schedule']], message, 'etcd_snapshot_schedule: "02 6 * * *"')];
}

function checkSize(pillar: Pillar): Failure[] {
  const { etcd_snapshot_disk_size: size } = pillar.data;
  if (typeof size !== 'string' || (parseQuantity(size) ?? 0n) > 0n) return [];
  const message = `etcd_snapshot_disk_size (${JSON.stringify(size)}) is no size: a quantity of Kubernetes has digits and then nothing, k, M, G, T, Ki, Mi, Gi or Ti`;
  return [refuse(pillar, [['etcd_snapshot_disk_size']], message, 'etcd_snapshot_disk_size: 1Gi')];
}

/** The volume is on one machine, or in one zone. */
function checkPlace(pillar: Pillar): Failure[] {
  const { enable_etcd_snapshot: enabled, etcd_snapshot_zone: zone, etcd_snapshot_hostname: host } = pillar.data;
  const given = [zone, host].filter((each) => each !== undefined && each !== null).length;
  if (given === 2) {
    const message = `etcd_snapshot_zone (${String(zone)}) and etcd_snapshot_hostname (${String(host)}) are both set, and only one of them can say where snapshots are taken`;
    const next = 'keep one of the two; null takes away what a lower layer has set';
    return [refuse(pillar, [['etcd_snapshot_zone'], ['etcd_snapshot_hostname']], message, next)];
  }
  if (enabled !== true || given === 1) return [];
  const message = 'enable_etcd_snapshot needs to know where snapshots are taken';
  const next = 'set etcd_snapshot_hostname to one master, or etcd_snapshot_zone to a zone that has one';
  return [refuse(pillar, [['enable_etcd_snapshot']], message, next)];
}

function checkNeeds(pillar: Pillar): Failure[] {
  const { enable_etcd_snapshot: enabled, control_plane: plane, etcd_version: etcd } = pillar.data;
  if (enabled !== true) return [];
  const at = [['enable_etcd_snapshot']];
  if (plane === 'none') return [refuseWithoutApi(pillar, 'enable_etcd_snapshot')];
  if (versionOf(pillar.data) === undefined) {
    const message = 'enable_etcd_snapshot needs kubernetes_version, which says what a CronJob is in its API';
    return [refuse(pillar, at, message, 'kubernetes_version: MAJOR.MINOR.PATCH')];
  }
  if (etcd !== undefined && etcd !== null) return [];
  const message = 'enable_etcd_snapshot needs etcd_version, for the image and the tools of the job';
  return [refuse(pillar, at, message, 'etcd_version: MAJOR.MINOR.PATCH')];
}

function checkStorageClass(pillar: Pillar): Failure[] {
  const { enable_default_storage_class: enabled, control_plane: plane, cloud_provider: cloud } = pillar.data;
  if (enabled !== true) return [];
  const at = [['enable_default_storage_class']];
  if (plane === 'none') return [refuseWithoutApi(pillar, 'enable_default_storage_class')];
  if (cloud === undefined || cloud === null) {
    const message = 'enable_default_storage_class needs cloud_provider, which says whose disks it provides';
    return [refuse(pillar, at, message, 'cloud_provider: aws, azure, gce, openstack or vsphere')];
  }
  if (versionOf(pillar.data) !== undefined) return [];
  const message = 'enable_default_storage_class needs kubernetes_version, which says what provides disks';
  return [refuse(pillar, at, message, 'kubernetes_version: MAJOR.MINOR.PATCH')];
}

function refuseWithoutApi(pillar: Pillar, key: string): Failure {
  const message = `${key} needs an API server, and with control_plane: none there is none that Quorate knows of`;
  const next = 'set control_plane: kubeadm where kubeadm has made one (Quorate leaves it as it is), or managed';
  return refuse(pillar, [['control_plane'], [key]], message, next);
}

/**
 * Sources: CronJob became batch/v1beta1 with 1.8 (kubernetes/kubernetes#51465), and batch/v2alpha1 left with 1.21 (#96987);
 * apiserver's resourceconfig refuses a version of a known group that is not registered.
 */
function checkRuntimeConfig(pillar: Pillar): Failure[] {
  const { enable_etcd_snapshot: enabled, control_plane: plane } = pillar.data;
  const version = versionOf(pillar.data);
  if (version === undefined) return [];
  if (enabled === true && compareVersions(version, '1.8.0') < 0 && !servesAlpha(pillar.data)) {
    const message = `enable_etcd_snapshot needs runtime_config: ${ALPHA}=true with Kubernetes ${version}: before 1.8 no other API has CronJobs`;
    const next = `runtime_config: ${ALPHA}=true, and the same flag on each API server`;
    return [refuse(pillar, [['enable_etcd_snapshot'], ['runtime_config']], message, next)];
  }
  if (plane !== 'managed' || !servesAlpha(pillar.data) || compareVersions(version, '1.21.0') < 0) return [];
  const message = `runtime_config has ${ALPHA}, and no API server since 1.21 starts with that (kubernetes_version is ${version})`;
  return [refuse(pillar, [['runtime_config']], message, 'take it out: CronJobs need nothing of the kind since 1.8')];
}

function servesAlpha({ runtime_config: config }: ValueMap): boolean {
  if (typeof config !== 'string') return false;
  return config.split(',').some((each) => each === ALPHA || each === `${ALPHA}=true`);
}

function versionOf({ kubernetes_version: version }: ValueMap): string | undefined {
  return typeof version === 'string' ? version : undefined;
}
