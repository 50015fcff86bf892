import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBase } from '../base.ts';
import { addImages } from './images.ts';
import { ensurePrograms, program } from './programs.ts';
import { kubeletRecipe } from './recipe.ts';

/** The folder of the base image for hosts with a kubelet; the first one on a machine takes about five minutes. */
export async function ensureKubeletBase(log: (line: string) => void): Promise<string> {
  const programs = await ensurePrograms(log);
  return ensureBase(log, kubeletRecipe, async (root) => {
    for (const name of program.commands) copyFileSync(join(programs, name), join(root, 'usr/bin', name));
    return [`images ${(await addImages(root)).join(', ')}`];
  });
}
