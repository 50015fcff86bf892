// What the commands say of themselves: the page of all with their exit codes, and the list that `quorate --help` prints.
import type { Command } from 'commander';
import { COMMANDS } from '../commands.ts';
import { EXIT } from '../exit.ts';
import type { Shell } from '../io.ts';
import { buildProgram } from '../main.ts';

const WIDTH = 100;
const HELP_WIDTH = 80;

const MEANINGS: { readonly [name in keyof typeof EXIT]: string } = {
  done: 'done, or nothing to do',
  usage: 'the command line or a file is wrong, and nothing was touched; or Quorate itself is (`internal error`)',
  failed: 'a resource failed; of `status`: something is critical',
  pending: 'there are changes to make, only with `--detailed-exitcode`; of `status`: warnings only',
  unreachable: 'a host could not be reached',
  refused:
    'a guard refused: a lock, the quorum, a saved plan that no longer fits, no confirmation, a snapshot that cannot be trusted',
  interrupted: 'interrupted with Ctrl-C',
};

/** docs/cli.md. */
export async function makePage(): Promise<string> {
  const program = await buildWhole(SILENT);
  return [
    '# The commands',
    'Made from the commands themselves by `npm run docs`: change it there.',
    '## Exit codes',
    'When several apply the worst wins: 130, 1, 5, 2, 4, 3, in this order.',
    [
      '| code | meaning |',
      '| --- | --- |',
      ...Object.entries(MEANINGS).map(([name, meaning]) => `| ${EXIT[name as keyof typeof EXIT]} | ${meaning} |`),
    ].join('\n'),
    'Results are printed on stdout, everything else on stderr: `quorate … --json | jq` sees the document alone.',
    ...listCommands(program).map(describeCommand),
  ]
    .join('\n\n')
    .concat('\n');
}

/** docs/help.txt: the list of all commands, as wide as the narrowest of usual terminals. */
export async function makeHelp(): Promise<string> {
  const program = await buildProgram(SILENT, []);
  return program.configureOutput({ getOutHelpWidth: () => HELP_WIDTH }).helpInformation();
}

/** The program with all that every command takes. */
export function buildWhole(shell: Shell): Promise<Command> {
  return buildProgram(
    shell,
    COMMANDS.map(({ name }) => name),
  );
}

/** Those that do something themselves; a command that only holds others is told by them. */
function listCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(listCommands);
}

function describeCommand(command: Command): string {
  command.configureHelp({ helpWidth: WIDTH });
  const names = [command.name()];
  for (let above = command.parent; above; above = above.parent) names.unshift(above.name());
  return [`## ${names.join(' ')}`, `\`\`\`text\n${command.helpInformation().trimEnd()}\n\`\`\``].join('\n\n');
}

const SILENT: Shell = {
  io: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {} },
  finish: () => {},
};
