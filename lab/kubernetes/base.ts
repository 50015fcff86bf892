import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBase } from '../base.ts';
import { addImages } from './images.ts';
import { ensurePrograms } from './programs.ts';
import { kubernetesRecipe } from './recipe.ts';

/** The folder of the base image for hosts with a kubelet or all of Kubernetes; the first one on a machine takes some six minutes. */
export async function ensureKubernetesBase(log: (line: string) => void): Promise<string> {
  const programs = await ensurePrograms(log);
  return ensureBase(log, kubernetesRecipe, async (root) => {
    copyFileSync(join(programs, 'kubelet'), join(root, 'usr/bin/kubelet'));
    return [`images ${(await addImages(root, programs)).join(', ')}`];
  });
}
