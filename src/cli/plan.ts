// quorate plan: what an apply would do, and why. Changes nothing.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Loaded } from '../engine/load.ts';
import type { Intent } from '../engine/make-plan.ts';
import type { Failure } from '../failure.ts';
import { exitCode } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, type CommonOptions } from './options.ts';
import { print, printInputFailures, printJson, useColor } from './print.ts';
import { loadRun, openSession } from './session.ts';

export interface PlanOptions extends CommonOptions {
  out?: string;
  detailedExitcode?: true;
}

export function declarePlan(command: Command, shell: Shell): void {
  addHostOptions(command);
  addStatesOptions(command);
  command.option('-o, --out <file>', 'save the plan, for apply --plan');
  command.option('--detailed-exitcode', 'exit with 3 when there are changes to make');
  addOutputOptions(command).action(async (states: string[], options: PlanOptions) => {
    shell.finish(await plan(states, options, shell.io));
  });
}

export async function plan(states: string[], options: PlanOptions, io: Io): Promise<number> {
  const loaded = await loadRun(states, options, io);
  if (!loaded.ok) return printInputFailures(loaded.failures, options, io);
  const { runPlan } = await import('../engine/run.ts');
  const opened = await openSession(loaded.value, options, io, { journalled: false });
  if (!opened.ok) return printInputFailures(opened.failures, options, io);
  const session = opened.value;
  try {
    const end = await runPlan(session.context);
    await session.settle();
    const unsaved = options.out !== undefined && end.intent && (await save(options.out, loaded.value, end.intent, io));
    if (options.json) {
      const { toJson } = await import('../report/json.ts');
      printJson(toJson(end.report, end.plan), io);
    } else if (end.plan) {
      const { renderPlan } = await import('../report/plan.ts');
      print(
        renderPlan(end.plan, {
          color: useColor(options, io, io.stdout),
          verbose: options.verbose === true,
          width: io.stdout.columns || 100,
        }),
        io,
      );
    }
    if (unsaved) return printInputFailures([unsaved], options, io);
    return exitCode(end.report.outcome, options.detailedExitcode === true);
  } finally {
    session.release();
  }
}

/** Undefined: the plan is in the file. */
async function save(file: string, loaded: Loaded, intent: Intent, io: Io): Promise<Failure | undefined> {
  const { controllerKey, savePlan } = await import('../engine/saved-plan.ts');
  try {
    const saved = savePlan(loaded, intent, await controllerKey(io.env));
    await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 });
    return undefined;
  } catch (error) {
    const { explainWriteError } = await import('../load/writable.ts');
    return explainWriteError(file, error);
  }
}
