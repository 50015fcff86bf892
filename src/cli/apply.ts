// quorate apply: plan, ask, do, prove.
import type { Command } from 'commander';
import type { Loaded } from '../engine/load.ts';
import type { Intent } from '../engine/make-plan.ts';
import type { ApplyOptions } from '../engine/run.ts';
import type { SavedPlan } from '../engine/saved-plan.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { exitCode } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, positiveNumber } from './options.ts';
import { type PlanOptions, plan } from './plan.ts';
import { print, printInputFailures, printJson, useColor } from './print.ts';
import { loadRun, openSession, type Session } from './session.ts';

interface ApplyCommandOptions extends PlanOptions {
  dryRun?: true;
  plan?: string;
  yes?: true;
  minorityLock?: true;
}

export function declareApply(command: Command, shell: Shell): void {
  addHostOptions(command);
  addStatesOptions(command);
  command
    .option('--dry-run', 'the same as plan')
    .option('--plan <file>', 'do exactly what this saved plan says, or refuse')
    .option('-y, --yes', 'do not ask; needed where there is no terminal')
    .option('--lock-wait <seconds>', 'wait this long for another run to end (default: 0)', positiveNumber)
    .option('--minority-lock', 'go on although fewer than half of a cluster could be locked')
    .option('--detailed-exitcode', 'with --dry-run: exit with 3 when there are changes to make');
  addOutputOptions(command).action(async (states: string[], options: ApplyCommandOptions) => {
    shell.finish(await apply(states, options, shell.io));
  });
}

async function apply(asked: string[], options: ApplyCommandOptions, io: Io): Promise<number> {
  const saved = await savedPlan(options);
  if (!saved.ok) return printInputFailures(saved.failures, options, io);
  const states = statesOf(asked, saved.value);
  if (!states.ok) return printInputFailures(states.failures, options, io);
  if (options.dryRun) return plan(states.value, options, io);

  const target = options.target ?? saved.value?.targets.join(',');
  const loaded = await loadRun(states.value, { ...options, ...(target === undefined ? {} : { target }) }, io);
  if (!loaded.ok) return printInputFailures(loaded.failures, options, io);
  const { runApply } = await import('../engine/run.ts');
  const opened = await openSession(loaded.value, options, io, {
    journalled: true,
    tokens: new Map(Object.entries(saved.value?.tokens ?? {})),
  });
  if (!opened.ok) return printInputFailures(opened.failures, options, io);
  const session = opened.value;
  try {
    const end = await runApply(session.context, applyOptions(loaded.value, saved.value, options, io, session));
    await session.settle();
    const report = { ...end.report, ...(session.journal ? { journal: session.journal.directory } : {}) };
    const { toJson } = await import('../report/json.ts');
    await session.journal?.finish(toJson(report, end.plan));
    if (options.json) {
      printJson(toJson(report, end.plan), io);
    } else {
      const { renderReport } = await import('../report/report.ts');
      print(renderReport(report, { color: useColor(options, io, io.stdout), verbose: options.verbose === true }), io);
    }
    return exitCode(report.outcome, false);
  } finally {
    session.release();
  }
}

async function savedPlan(options: ApplyCommandOptions): Promise<Attempt<SavedPlan | undefined>> {
  if (options.plan === undefined) return succeed(undefined);
  const { readSavedPlan } = await import('../engine/saved-plan.ts');
  return readSavedPlan(options.plan);
}

function statesOf(asked: string[], saved: SavedPlan | undefined): Attempt<string[]> {
  if (asked.length > 0) return succeed(asked);
  if (saved) return succeed(saved.states);
  return fail({
    reason: 'usage',
    message: 'no state: what is to be applied?',
    next: 'name one (`quorate states list`), or pass --plan FILE',
  });
}

function applyOptions(
  loaded: Loaded,
  saved: SavedPlan | undefined,
  options: ApplyCommandOptions,
  io: Io,
  session: Session,
): ApplyOptions {
  return {
    minorityLock: options.minorityLock === true,
    async confirm(intent) {
      if (saved) {
        const { compareWithSaved, controllerKey } = await import('../engine/saved-plan.ts');
        const different = compareWithSaved(saved, loaded, intent, await controllerKey(io.env));
        if (different) return different;
      }
      if (intent.work.size === 0) return undefined;
      if (!options.yes) return confirmOnTerminal(intent, options, io, session);
      // A log is read when it is over: what was going to be done has to stand before what was.
      if (io.stderr.isTTY !== true) await showPlan(intent, options, io, session);
      return undefined;
    },
  };
}

async function showPlan(intent: Intent, options: ApplyCommandOptions, io: Io, { settle }: Session): Promise<void> {
  await settle();
  const { renderPlan } = await import('../report/plan.ts');
  const rendered = renderPlan(intent.plan, {
    color: useColor(options, io, io.stderr),
    verbose: options.verbose === true,
    width: io.stderr.columns || 100,
  });
  io.stderr.write(`${rendered.trimEnd()}\n\n`);
}

async function confirmOnTerminal(
  intent: Intent,
  options: ApplyCommandOptions,
  io: Io,
  session: Session,
): Promise<Failure | undefined> {
  await showPlan(intent, options, io, session);
  const { stop } = session.context;
  const { ask } = await import('./ask.ts');
  const answer = await ask('Do this? Only "yes" does: ', io, stop);
  if (answer === 'yes') return undefined;
  if (answer === undefined && !stop.aborted) {
    return {
      reason: 'not-confirmed',
      message: 'there is no terminal to ask on, so nothing was changed',
      next: 'read the plan, then pass --yes',
    };
  }
  return {
    reason: 'not-confirmed',
    message: 'the answer was not "yes", so nothing was changed',
    next: 'run again when you are sure',
  };
}
