// Every module there is, by name. `npm run new:module` adds to it.
import { commandRun } from './command/run.ts';
import { etcdBinaries } from './etcd/binaries.ts';
import { etcdHealthy } from './etcd/healthy.ts';
import { etcdMember } from './etcd/member.ts';
import { fileAbsent } from './file/absent.ts';
import { fileDirectory } from './file/directory.ts';
import { fileManaged } from './file/managed.ts';
import type { AnyModule } from './module.ts';
import { pkiCa } from './pki/ca.ts';
import { pkiCertificate } from './pki/certificate.ts';
import { serviceEnabled } from './service/enabled.ts';
import { serviceRunning } from './service/running.ts';
import { serviceStopped } from './service/stopped.ts';

const all: AnyModule[] = [
  commandRun,
  etcdBinaries,
  etcdHealthy,
  etcdMember,
  fileAbsent,
  fileDirectory,
  fileManaged,
  pkiCa,
  pkiCertificate,
  serviceEnabled,
  serviceRunning,
  serviceStopped,
];

export const modules: ReadonlyMap<string, AnyModule> = new Map(all.map((module) => [module.name, module]));
