// quorate states: which states there are, and what one declares.
import type { Command } from 'commander';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addOutputOptions, addStatesOptions, type CommonOptions, stateFolders } from './options.ts';
import { printInputFailures, printJson, printVisibly } from './print.ts';

export function declareStates(states: Command, shell: Shell): void {
  addOutputOptions(addStatesOptions(states.command('list').description('every state, your own first'))).action(
    async (options: CommonOptions) => shell.finish(await listAll(options, shell.io)),
  );
  addOutputOptions(
    addStatesOptions(states.command('show').argument('<state>').description('what a state declares')),
  ).action(async (name: string, options: CommonOptions) => shell.finish(await show(name, options, shell.io)));
}

async function listAll(options: CommonOptions, io: Io): Promise<number> {
  const folders = stateFolders(options);
  if (!folders.ok) return printInputFailures(folders.failures, options, io);
  const { listStates } = await import('../states/list.ts');
  const listed = await listStates(folders.value);
  if (!listed.ok) return printInputFailures(listed.failures, options, io);
  if (options.json) printJson({ schema: 1, states: listed.value }, io);
  else {
    const rows = listed.value.map(({ name, short, description }) => ({
      names: short === undefined ? name : `${name}, or ${short}`,
      summary: description.trim().split('\n')[0],
    }));
    const width = Math.max(0, ...rows.map(({ names }) => names.length));
    for (const { names, summary } of rows) printVisibly(`${names.padEnd(width)}  ${summary}`.trimEnd(), io);
  }
  return EXIT.done;
}

async function show(name: string, options: CommonOptions, io: Io): Promise<number> {
  const folders = stateFolders(options);
  if (!folders.ok) return printInputFailures(folders.failures, options, io);
  const { describeState } = await import('../states/list.ts');
  const { modules } = await import('../modules/registry.ts');
  const described = await describeState({ directories: folders.value, name, modules });
  if (!described.ok) return printInputFailures(described.failures, options, io);
  if (options.json) {
    printJson({ schema: 1, ...described.value }, io);
    return EXIT.done;
  }
  const { describeStateTree } = await import('./state-text.ts');
  printVisibly(describeStateTree(described.value), io);
  return EXIT.done;
}
