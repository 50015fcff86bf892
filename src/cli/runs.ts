// quorate runs: what earlier applies did, from the journals of this controller.
import type { Command } from 'commander';
import type { Begun } from '../engine/journal.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addOutputOptions, type CommonOptions } from './options.ts';
import { print, printInputFailures, printJson, printVisibly } from './print.ts';

export function declareRuns(runs: Command, shell: Shell): void {
  addOutputOptions(runs.command('list').description('every run of this controller, newest first')).action(
    async (options: CommonOptions) => shell.finish(await list(options, shell.io)),
  );
  addOutputOptions(
    runs
      .command('show')
      .argument('<run>', 'as `runs list` prints it; its end is enough')
      .description('one run, step by step'),
  ).action(async (run: string, options: CommonOptions) => shell.finish(await show(run, options, shell.io)));
}

async function list(options: CommonOptions, io: Io): Promise<number> {
  const { listRuns, readBeginnings } = await import('../engine/journal.ts');
  const runs: { run: string; outcome: unknown; begun: Begun[] }[] = [];
  // One after another: journals may be large.
  for (const recorded of await listRuns(io.env)) {
    const { run, result } = recorded;
    runs.push({ run, outcome: result?.outcome ?? null, begun: await readBeginnings(recorded) });
  }
  if (options.json) printJson({ schema: 1, runs }, io);
  else if (runs.length === 0) print('no runs yet', io);
  else for (const { run, outcome, begun } of runs) printVisibly(describeRun(run, outcome, begun), io);
  return EXIT.done;
}

function describeRun(run: string, outcome: unknown, begun: Begun[]): string {
  const [first] = begun;
  const said = `${run}  ${String(outcome ?? 'did not end').padEnd('interrupted'.length)}`;
  if (!first) return said.trimEnd();
  // What a restore applies is the procedure's.
  const states = first.command === 'apply' ? [first.states.join(' ')] : [];
  const commands = begun.map(({ command }) => command).join(', ');
  return [`${said}  ${commands}`, ...states, `on ${first.targets.join(' ')}`].join(' ');
}

async function show(name: string, options: CommonOptions, io: Io): Promise<number> {
  const { listRuns, readJournal } = await import('../engine/journal.ts');
  const runs = await listRuns(io.env);
  const found = runs.filter(({ run }) => run === name || run.endsWith(name));
  if (found.length !== 1) {
    const { findNearest } = await import('../load/nearest.ts');
    const near = findNearest(
      name,
      runs.map(({ run }) => run),
    );
    const message = found.length === 0 ? `no run is called ${name}` : `${found.length} runs end in ${name}`;
    const next =
      near === undefined
        ? '`quorate runs list` shows them all'
        : `did you mean ${near}? \`quorate runs list\` shows them all`;
    return printInputFailures([{ reason: 'unknown', message, next }], options, io);
  }
  const journal = await readJournal(found[0]!);
  if (options.json) {
    printJson({ schema: 1, run: found[0]!.run, journal, result: found[0]!.result ?? null }, io);
    return EXIT.done;
  }
  const { describeJournal } = await import('./journal-text.ts');
  for (const line of describeJournal(journal, found[0]!.result)) print(line, io);
  return EXIT.done;
}
