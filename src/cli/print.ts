// How a command says what it found: failures on stderr, results on stdout.
import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Failure } from '../failure.ts';
import { escapeForTerminal, stringifyVisibly } from '../report/escape.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { type CommonOptions, stateFolders } from './options.ts';

export function useColor(options: Pick<CommonOptions, 'color'>, io: Io, stream: Io['stdout']): boolean {
  return options.color && !io.env.NO_COLOR && (stream.isTTY === true || Boolean(io.env.FORCE_COLOR));
}

/** What was wrong with the input; nothing was touched. */
export async function printInputFailures(
  failures: Failure[],
  options: Pick<CommonOptions, 'color' | 'states'>,
  io: Io,
): Promise<number> {
  const { renderFailures } = await import('../report/failures.ts');
  io.stderr.write(
    `${renderFailures(failures, { color: useColor(options, io, io.stderr), readLine: readStateLine(options) })}\n`,
  );
  return EXIT.usage;
}

export function printJson(document: unknown, io: Io): void {
  io.stdout.write(`${stringifyVisibly(document, 2)}\n`);
}

export function print(text: string, io: Io): void {
  io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** The same for text that holds something from files or hosts: a terminal must not obey any of it. */
export function printVisibly(text: string, io: Io): void {
  print(escapeForTerminal(text, { multiline: true }), io);
}

/** A line of a state, for the squiggle. Never of pillar or inventory: the line at fault may hold a secret. */
function readStateLine(options: Pick<CommonOptions, 'states'>): (file: string, line: number) => string | undefined {
  const found = stateFolders(options);
  const folders = (found.ok ? found.value : []).map((folder) => resolve(folder) + sep);
  return (file, line) => {
    if (!folders.some((folder) => resolve(file).startsWith(folder))) return undefined;
    try {
      return readFileSync(file, 'utf8').split('\n')[line - 1];
    } catch {
      return undefined;
    }
  };
}
