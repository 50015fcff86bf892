// quorate validate: everything that can be wrong before a host is connected, at once.
import type { Command } from 'commander';
import type { Loaded } from '../engine/load.ts';
import type { Failure } from '../failure.ts';
import { tellWarning, type Warning } from '../pillar/warnings.ts';
import { escapeForTerminal } from '../report/escape.ts';
import { count } from '../report/layout.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import {
  addInventoryOptions,
  addOutputOptions,
  addPillarOptions,
  addStatesOptions,
  type CommonOptions,
  stateFolders,
} from './options.ts';
import { print, printInputFailures, printJson } from './print.ts';
import { loadHosts } from './session.ts';

export function declareValidate(command: Command, shell: Shell): void {
  addStatesOptions(addPillarOptions(addInventoryOptions(command))).option(
    '-t, --target <pattern>',
    'only these hosts (default: all)',
  );
  addOutputOptions(command).action(async (states: string[], options: CommonOptions) => {
    shell.finish(await validate(states, options, shell.io));
  });
}

async function validate(named: string[], options: CommonOptions, io: Io): Promise<number> {
  const folders = stateFolders(options);
  if (!folders.ok) return printInputFailures(folders.failures, options, io);
  const { listStates } = await import('../states/list.ts');
  const listed = await listStates(folders.value);
  if (!listed.ok) return printInputFailures(listed.failures, options, io);
  const states = named.length > 0 ? named : listed.value.map(({ name }) => name);

  const failures = new Map<string, Failure>();
  const warnings = new Map<string, Warning>();
  const valid: { state: string; hosts: number; resources: number }[] = [];
  const scope = await loadHosts({ ...options, target: options.target ?? 'all' }, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const { loadWithin } = await import('../engine/load.ts');
  // One by one: states that contradict each other (running, stopped) are each valid.
  for (const state of states) {
    const loaded = await loadWithin(scope.value, { states: [state], stateDirectories: folders.value });
    if (loaded.ok) {
      const {
        states: [full = state],
        targets,
        hosts,
        pillars,
      } = loaded.value;
      for (const warning of pillars.warnings)
        if (warning.hosts.some((host) => hosts.includes(host))) warnings.set(tellWarning(warning), warning);
      valid.push({ state: full, hosts: targets.length, resources: countResources(loaded.value) });
    } else for (const failure of loaded.failures) failures.set(JSON.stringify(failure), failure);
  }
  if (failures.size > 0) return printInputFailures([...failures.values()], options, io);
  if (options.json) {
    const told = [...warnings.values()].map(({ message, place }) => ({ message, place }));
    printJson({ schema: 1, valid: true, states: valid, warnings: told }, io);
  } else {
    for (const warning of warnings.keys()) io.stderr.write(`! ${escapeForTerminal(warning)}\n`);
    for (const { state, hosts, resources } of valid)
      print(`${state}: valid, ${count(resources, 'resource')} on ${count(hosts, 'host')}`, io);
  }
  return EXIT.done;
}

/** Those of the targets; a cluster's own counts once. */
function countResources({ graph, targets }: Loaded): number {
  return [...graph.nodes.values()].filter((node) => targets.some((host) => node.declarations.has(host))).length;
}
