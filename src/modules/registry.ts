// Every module there is, by name. `npm run new:module` adds to it.
import { commandRun } from './command/run.ts';
import { etcdBinaries } from './etcd/binaries.ts';
import { etcdContent } from './etcd/content.ts';
import { etcdHealthy } from './etcd/healthy.ts';
import { etcdMayStop } from './etcd/may_stop.ts';
import { etcdMember } from './etcd/member.ts';
import { etcdPod } from './etcd/pod.ts';
import { etcdRestored } from './etcd/restored.ts';
import { etcdSetAside } from './etcd/set_aside.ts';
import { etcdSettings } from './etcd/settings.ts';
import { etcdTakenBack } from './etcd/taken_back.ts';
import { fileAbsent } from './file/absent.ts';
import { fileDirectory } from './file/directory.ts';
import { fileManaged } from './file/managed.ts';
import { fileRenamed } from './file/renamed.ts';
import { kubernetesAbsent } from './kubernetes/absent.ts';
import { kubernetesApplied } from './kubernetes/applied.ts';
import { kubernetesKubelet } from './kubernetes/kubelet.ts';
import { kubernetesPodsEnded } from './kubernetes/pods_ended.ts';
import { kubernetesPodsRestarted } from './kubernetes/pods_restarted.ts';
import { kubernetesReady } from './kubernetes/ready.ts';
import type { AnyModule } from './module.ts';
import { pkiCa } from './pki/ca.ts';
import { pkiCertificate } from './pki/certificate.ts';
import { pkiKeyPair } from './pki/key_pair.ts';
import { serviceEnabled } from './service/enabled.ts';
import { serviceRunning } from './service/running.ts';
import { serviceStopped } from './service/stopped.ts';

const all: AnyModule[] = [
  commandRun,
  etcdBinaries,
  etcdContent,
  etcdHealthy,
  etcdMayStop,
  etcdMember,
  etcdPod,
  etcdRestored,
  etcdSetAside,
  etcdSettings,
  etcdTakenBack,
  fileAbsent,
  fileDirectory,
  fileManaged,
  fileRenamed,
  kubernetesAbsent,
  kubernetesApplied,
  kubernetesKubelet,
  kubernetesPodsEnded,
  kubernetesPodsRestarted,
  kubernetesReady,
  pkiCa,
  pkiCertificate,
  pkiKeyPair,
  serviceEnabled,
  serviceRunning,
  serviceStopped,
];

export const modules: ReadonlyMap<string, AnyModule> = new Map(all.map((module) => [module.name, module]));
