// quorate inventory: which hosts, groups and clusters the inventory means.
import type { Command } from 'commander';
import type { Cluster, Inventory } from '../inventory/inventory.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addInventoryOptions, addOutputOptions, type CommonOptions, inventoryPath } from './options.ts';
import { printInputFailures, printJson, printVisibly } from './print.ts';

export function declareInventory(inventory: Command, shell: Shell): void {
  const list = inventory
    .command('list')
    .description('every host with its address and groups, every cluster with its members');
  addInventoryOptions(list).option('-t, --target <pattern>', 'only these hosts (default: all)');
  addOutputOptions(list).action(async (options: CommonOptions) => {
    shell.finish(await listInventory(options, shell.io));
  });
}

async function listInventory(options: CommonOptions, io: Io): Promise<number> {
  const path = inventoryPath(options, io);
  if (!path.ok) return printInputFailures(path.failures, options, io);
  const { readInventory } = await import('../inventory/read.ts');
  const inventory = await readInventory(path.value);
  if (!inventory.ok) return printInputFailures(inventory.failures, options, io);
  const { selectHosts } = await import('../inventory/target.ts');
  const hosts = selectHosts(inventory.value, options.target ?? 'all');
  if (!hosts.ok) return printInputFailures(hosts.failures, options, io);
  if (options.json) printJson(toDocument(inventory.value, hosts.value), io);
  else printVisibly(toText(inventory.value, hosts.value), io);
  return EXIT.done;
}

function toDocument(inventory: Inventory, names: string[]): unknown {
  const hosts = names.map((name) => {
    const { address, port, user, become, groups, cluster } = inventory.hosts.get(name)!;
    return [name, { address, port: port ?? null, user: user ?? null, become, groups, cluster: cluster ?? null }];
  });
  const clusters = clustersOf(inventory, names).map(({ name, group, members }) => [name, { group, members }]);
  return { schema: 1, hosts: Object.fromEntries(hosts), clusters: Object.fromEntries(clusters) };
}

function toText(inventory: Inventory, names: string[]): string {
  const width = Math.max(...names.map((name) => name.length));
  const hosts = names.map((name) => {
    const { address, groups, cluster } = inventory.hosts.get(name)!;
    return `${name.padEnd(width)}  ${address}  ${groups.join(' ')}${cluster === undefined ? '' : `  (cluster ${cluster})`}`;
  });
  const clusters = clustersOf(inventory, names).map(
    ({ name, group, members }) => `cluster ${name} (group ${group}): ${members.join(' ')}`,
  );
  return [...hosts, ...clusters].join('\n');
}

/** Whole, as soon as one of their members is shown. */
function clustersOf({ clusters }: Inventory, names: string[]): Cluster[] {
  return [...clusters.values()].filter(({ members }) => members.some((member) => names.includes(member)));
}
