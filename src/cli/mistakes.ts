// What a person typed wrongly, told as every failure is: what is wrong, then the next step.
import type { Command } from 'commander';
import { escapeForTerminal } from '../report/escape.ts';

/** Gives every command below `program` its own words for what commander refuses. */
export function explainMistakes(program: Command): void {
  const usage = `\`${pathOf(program)} --help\` shows what it takes`;
  program.configureOutput({ outputError: (text, write) => write(explain(text, usage)) });
  for (const command of program.commands) explainMistakes(command);
}

/** commander's `error: MESSAGE`, with `(Did you mean NAME?)` on a second line where it has an idea. */
function explain(text: string, usage: string): string {
  const [, message = text, meant] = /^error: (.*?)(?:\n\(Did you mean (.*)\?\))?\n*$/s.exec(text) ?? [];
  const next = meant === undefined ? usage : `did you mean ${meant}? ${usage}`;
  const told = message.replace(' is invalid. ', ' is invalid: ');
  return `${escapeForTerminal(told)}\n  next: ${escapeForTerminal(next)}\n`;
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
