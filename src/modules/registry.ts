// Every module there is, by name; each is loaded by the first state that uses it. `npm run new:module` adds to it.
import type { AnyModule } from './module.ts';

export type Registry = ReadonlyMap<string, () => Promise<AnyModule>>;

const LOADERS: { readonly [name: string]: () => Promise<AnyModule> } = {
  'command.run': async () => (await import('./command/run.ts')).commandRun,
  'etcd.binaries': async () => (await import('./etcd/binaries.ts')).etcdBinaries,
  'etcd.content': async () => (await import('./etcd/content.ts')).etcdContent,
  'etcd.healthy': async () => (await import('./etcd/healthy.ts')).etcdHealthy,
  'etcd.may_stop': async () => (await import('./etcd/may_stop.ts')).etcdMayStop,
  'etcd.member': async () => (await import('./etcd/member.ts')).etcdMember,
  'etcd.pod': async () => (await import('./etcd/pod.ts')).etcdPod,
  'etcd.restored': async () => (await import('./etcd/restored.ts')).etcdRestored,
  'etcd.set_aside': async () => (await import('./etcd/set_aside.ts')).etcdSetAside,
  'etcd.settings': async () => (await import('./etcd/settings.ts')).etcdSettings,
  'etcd.taken_back': async () => (await import('./etcd/taken_back.ts')).etcdTakenBack,
  'file.absent': async () => (await import('./file/absent.ts')).fileAbsent,
  'file.directory': async () => (await import('./file/directory.ts')).fileDirectory,
  'file.managed': async () => (await import('./file/managed.ts')).fileManaged,
  'file.renamed': async () => (await import('./file/renamed.ts')).fileRenamed,
  'kubernetes.absent': async () => (await import('./kubernetes/absent.ts')).kubernetesAbsent,
  'kubernetes.applied': async () => (await import('./kubernetes/applied.ts')).kubernetesApplied,
  'kubernetes.kubelet': async () => (await import('./kubernetes/kubelet.ts')).kubernetesKubelet,
  'kubernetes.pods_ended': async () => (await import('./kubernetes/pods_ended.ts')).kubernetesPodsEnded,
  'kubernetes.pods_restarted': async () => (await import('./kubernetes/pods_restarted.ts')).kubernetesPodsRestarted,
  'kubernetes.ready': async () => (await import('./kubernetes/ready.ts')).kubernetesReady,
  'pki.ca': async () => (await import('./pki/ca.ts')).pkiCa,
  'pki.certificate': async () => (await import('./pki/certificate.ts')).pkiCertificate,
  'pki.key_pair': async () => (await import('./pki/key_pair.ts')).pkiKeyPair,
  'service.enabled': async () => (await import('./service/enabled.ts')).serviceEnabled,
  'service.running': async () => (await import('./service/running.ts')).serviceRunning,
  'service.stopped': async () => (await import('./service/stopped.ts')).serviceStopped,
};

export const modules: Registry = new Map(Object.entries(LOADERS));

/** All of them, for whoever tells about modules. */
export async function loadModules(): Promise<Map<string, AnyModule>> {
  const loaded = [...modules].map(async ([name, load]) => [name, await load()] as const);
  return new Map(await Promise.all(loaded));
}
