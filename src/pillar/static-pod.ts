// Keys of etcd's static pod that must fit its version and what Quorate and the kubelet write there themselves.
import { compareVersions, hasLivez } from '../etcd/versions.ts';
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

/** Whose annotations these are; the kubelet knows a static pod again by its own. */
const TAKEN: readonly [prefix: string, whose: string][] = [
  ['kubeadm.kubernetes.io/etcd.advertise-client-urls', 'Quorate sets it itself, from the address in the inventory'],
  ['kubernetes.io/config.', 'the kubelet sets it itself'],
];

export function checkStaticPod(pillar: Pillar): Failure[] {
  return [...checkProbes(pillar), ...checkAnnotations(pillar)];
}

/** A probe that no etcd answers would restart it for ever. */
function checkProbes(pillar: Pillar): Failure[] {
  const { etcd_runtime: runtime, etcd_probes: probes, etcd_version: version } = pillar.data;
  if (runtime !== 'static_pod' || probes !== 'livez' || typeof version !== 'string' || hasLivez(version)) return [];
  const first = compareVersions(version, '3.5.0') < 0 ? '3.4.29' : '3.5.11';
  const message = `etcd_probes is livez, and etcd ${version} has no /livez: the kubelet would restart it for ever`;
  const next = `set etcd_probes: none, or etcd_version: ${first} or later; /health is no substitute, it fails where a restart does not help`;
  return [refuse(pillar, [['etcd_version'], ['etcd_probes']], message, next)];
}

function checkAnnotations(pillar: Pillar): Failure[] {
  const { etcd_annotations: annotations } = pillar.data;
  if (!isMap(annotations)) return [];
  return Object.keys(annotations).flatMap((name): Failure[] => {
    const why = TAKEN.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (why === undefined) return [];
    return [
      refuse(pillar, [['etcd_annotations', name]], `etcd_annotations may not have ${name}: ${why}`, 'leave it out'),
    ];
  });
}
