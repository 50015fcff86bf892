// The controller as modules see it: what it keeps for the cluster of a resource.
import { join } from 'node:path';
import type { Controller } from '../modules/module.ts';
import type { Declaration } from '../states/declaration.ts';
import type { RunContext } from './context.ts';
import { readLedgers } from './controller-ledger.ts';

/** Touches nothing: what is kept is read when a module asks for it. */
export async function controllerFor(
  { home }: Pick<RunContext, 'home'>,
  host: string,
  { cluster }: Pick<Declaration, 'cluster'>,
): Promise<Controller> {
  if (cluster === undefined) return { host };
  const [{ keepAuthorities }, { keepKeys }] = await Promise.all([
    import('../pki/keeper.ts'),
    import('../pki/key-keeper.ts'),
  ]);
  const directory = join(home, 'pki', cluster);
  const ledger = async () => (await readLedgers(home, [cluster])).get(cluster);
  return {
    host,
    cluster: { name: cluster, authorities: keepAuthorities(directory), keys: keepKeys(directory), ledger },
  };
}
