// The command line: from its words to the command that they name.
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { describeCrash, wantsTrace } from './crash.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { explainMistakes } from './mistakes.ts';
import { packageVersion } from './package.ts';

/** With all that the commands take whose names are among `words`; of the others what the list of all says. */
export async function buildProgram(shell: Shell, words: readonly string[]): Promise<Command> {
  const program = new Command('quorate')
    .description("Keeps Kubernetes' etcd clusters quorate: declarative states, applied over SSH.")
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'help for a command')
    // Without [options], and [command] of those that hold others: neither can be told before they are loaded.
    .configureHelp({
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`.replace(/ \[options\]( \[command\])?/, ''),
    })
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void shell.io.stdout.write(text),
      writeErr: (text) => void shell.io.stderr.write(text),
    });
  for (const { name, about, argument, load } of COMMANDS) {
    const command = program.command(name).description(about);
    if (argument) command.argument(...argument);
    if (words.includes(name)) (await load())(command, shell);
  }
  explainMistakes(program);
  return program;
}

/** Runs one command line and returns its exit code; throws nothing, whatever happens. */
export async function main(argv: string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  const finish = (ended: number) => {
    code = ended;
  };
  try {
    const program = await buildProgram({ io, finish }, argv);
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    io.stderr.write(describeCrash(error, { version: packageVersion(), verbose: wantsTrace(argv) }));
    return EXIT.usage;
  }
}
