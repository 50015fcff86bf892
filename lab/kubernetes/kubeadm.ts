import { join } from 'node:path';
import { ensureCached } from '../cache.ts';
import { program } from './programs.ts';
import { buildFromSource } from './source.ts';

// Apart from the programs that hosts are made of: only tests of clusters that kubeadm has made want it.
const kubeadm = {
  edition: 1,
  suite: program.suite,
  source: program.source,
  toolchain: program.toolchain,
  commands: ['kubeadm'],
  tags: program.tags,
};

/** kubeadm of the lab's Kubernetes, built first if there is none (two minutes on two cores). It is linked with nothing. */
export async function ensureKubeadm(log: (line: string) => void): Promise<string> {
  const folder = await ensureCached('kubeadm', kubeadm, log, (building) =>
    buildFromSource({ ...kubeadm, kind: 'kubeadm', describesApi: false }, building, log),
  );
  return join(folder, 'kubeadm');
}
