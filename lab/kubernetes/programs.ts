import { renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureCached } from '../cache.ts';
import { buildFromSource } from './source.ts';

/** Debian has Kubernetes' source, and of its programs only kubectl: the others are built from it, with Debian's own Go. */
export const program = {
  /** Counts changes of how source.ts follows the recipe. */
  edition: 3,
  suite: 'bookworm',
  source: 'kubernetes',
  toolchain: ['golang-go', 'dpkg-dev'],
  /** Folders of cmd/ in the source. */
  commands: ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  /** Scripts that need no compiler: folders of the source. */
  scripts: ['cluster/addons/addon-manager'],
  // Without the clients of cloud providers and of docker it compiles in a third of the time.
  tags: ['providerless', 'dockerless'],
};

/** The folder with the programs and scripts, built first if there is none for the recipe (four to six minutes on two cores). */
export async function ensurePrograms(log: (line: string) => void): Promise<string> {
  return ensureCached('kubernetes', program, log, (folder) =>
    buildFromSource({ ...program, kind: 'kubernetes', describesApi: true }, folder, log, (source) => {
      for (const path of program.scripts) renameSync(join(source, path), join(folder, basename(path)));
    }),
  );
}
