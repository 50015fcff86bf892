// quorate pillar: the data of a host, and which file and line each value comes from.
import type { Command } from 'commander';
import { type Attempt, fail, formatPlace, succeed } from '../failure.ts';
import type { Pillar } from '../pillar/pillar.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import {
  addInventoryOptions,
  addOutputOptions,
  addPillarOptions,
  type CommonOptions,
  inventoryPath,
  pillarFolder,
} from './options.ts';
import { addPillarInitCommand } from './pillar-init.ts';
import { printInputFailures, printJson, printVisibly } from './print.ts';

interface ShowOptions extends CommonOptions {
  explain?: true;
}

export function declarePillar(pillar: Command, shell: Shell): void {
  const show = pillar.command('show').argument('<host>').description("one host's data, all layers merged");
  addPillarOptions(addInventoryOptions(show)).option(
    '--explain',
    'with the file and line of each value, and what it overrides',
  );
  addOutputOptions(show).action(async (host: string, options: ShowOptions) => {
    shell.finish(await showPillar(host, options, shell.io));
  });
  addPillarInitCommand(pillar, shell);
}

async function showPillar(host: string, options: ShowOptions, io: Io): Promise<number> {
  const pillar = await readOne(host, options, io);
  if (!pillar.ok) return printInputFailures(pillar.failures, options, io);
  if (options.explain) return explain(pillar.value, options, io);
  if (options.json) printJson(pillar.value.data, io);
  else {
    const { dump } = await import('js-yaml');
    // Through JSON first: it is where a secret turns into its mask.
    printVisibly(dump(JSON.parse(JSON.stringify(pillar.value.data)), { lineWidth: -1 }), io);
  }
  return EXIT.done;
}

async function explain(pillar: Pillar, options: ShowOptions, io: Io): Promise<number> {
  const { explainPillar } = await import('../pillar/explain.ts');
  const values = explainPillar(pillar);
  if (options.json) {
    printJson(values, io);
    return EXIT.done;
  }
  for (const { path, value, origin, overridden } of values) {
    printVisibly(`${path}: ${JSON.stringify(value)}`, io);
    printVisibly(`    ${origin.layer}, ${formatPlace(origin.place)}`, io);
    for (const layer of overridden) printVisibly(`    over ${layer.layer}, ${formatPlace(layer.place)}`, io);
  }
  return EXIT.done;
}

async function readOne(host: string, options: CommonOptions, io: Io): Promise<Attempt<Pillar>> {
  const path = inventoryPath(options, io);
  if (!path.ok) return path;
  const { readInventory } = await import('../inventory/read.ts');
  const inventory = await readInventory(path.value);
  if (!inventory.ok) return inventory;
  if (!inventory.value.hosts.has(host)) {
    const { suggest } = await import('../load/nearest.ts');
    return fail({
      reason: 'unknown',
      message: `no host is called ${host}`,
      next: suggest(host, inventory.value.hosts.keys()),
    });
  }
  const { readPillar } = await import('../pillar/read.ts');
  const directory = pillarFolder(options, io);
  const pillars = await readPillar({ inventory: inventory.value, ...(directory === undefined ? {} : { directory }) });
  return pillars.ok ? succeed(pillars.value.of(host)) : pillars;
}
