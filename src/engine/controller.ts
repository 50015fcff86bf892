// The controller as modules see it: what it keeps for a host's cluster.
import { join } from 'node:path';
import type { Controller } from '../modules/module.ts';
import type { RunContext } from './context.ts';

/** Touches nothing: what is kept is read when a module asks for it. */
export async function controllerFor(
  { home, loaded }: Pick<RunContext, 'home' | 'loaded'>,
  host: string,
): Promise<Controller> {
  const { cluster } = loaded.inventory.hosts.get(host)!;
  if (cluster === undefined) return { host };
  const { keepAuthorities } = await import('../pki/keeper.ts');
  return { host, cluster: { name: cluster, authorities: keepAuthorities(join(home, 'pki', cluster)) } };
}
