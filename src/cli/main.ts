// The command line: which commands there are. What each does is in the file of its name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addApplyCommand } from './apply.ts';
import { describeCrash, wantsTrace } from './crash.ts';
import { EXIT } from './exit.ts';
import { addFactsCommand } from './facts.ts';
import { addInventoryCommand } from './inventory.ts';
import type { Io, Shell } from './io.ts';
import { addLockCommand } from './lock.ts';
import { explainMistakes } from './mistakes.ts';
import { packageRoot } from './options.ts';
import { addPillarCommand } from './pillar.ts';
import { addPlanCommand } from './plan.ts';
import { addRestoreCommand } from './restore.ts';
import { addResumeCommand } from './resume.ts';
import { addRunsCommand } from './runs.ts';
import { addSnapshotCommand } from './snapshot.ts';
import { addStatesCommand } from './states.ts';
import { addStatusCommand } from './status.ts';
import { addUndoCommand } from './undo.ts';
import { addValidateCommand } from './validate.ts';

export function buildProgram(shell: Shell): Command {
  const program = new Command('quorate')
    .description("Keeps Kubernetes' etcd clusters quorate: declarative states, applied over SSH.")
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'help for a command')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void shell.io.stdout.write(text),
      writeErr: (text) => void shell.io.stderr.write(text),
    });
  addStatusCommand(program, shell);
  addPlanCommand(program, shell);
  addApplyCommand(program, shell);
  addFactsCommand(program, shell);
  addPillarCommand(program, shell);
  addStatesCommand(program, shell);
  addInventoryCommand(program, shell);
  addValidateCommand(program, shell);
  addRunsCommand(program, shell);
  addLockCommand(program, shell);
  addSnapshotCommand(program, shell);
  addRestoreCommand(program, shell);
  addResumeCommand(program, shell);
  addUndoCommand(program, shell);
  explainMistakes(program);
  return program;
}

/** Runs one command line and returns its exit code; throws nothing, whatever happens. */
export async function main(argv: string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  const program = buildProgram({
    io,
    finish(ended) {
      code = ended;
    },
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    io.stderr.write(describeCrash(error, { version: packageVersion(), verbose: wantsTrace(argv) }));
    return EXIT.usage;
  }
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}
