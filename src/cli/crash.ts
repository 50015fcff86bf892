// What nobody foresaw: one line that says so, and what to do with it; the trace only for whoever asks for it.
import { escapeForTerminal } from '../report/escape.ts';

/** Ends with a newline. An error of the operating system is none of Quorate's own, and is told as what it is. */
export function describeCrash(error: unknown, { version, verbose }: { version: string; verbose: boolean }): string {
  const message = escapeForTerminal(error instanceof Error ? error.message : String(error));
  const line = isSystemError(error)
    ? `the operating system refused: ${message}`
    : `internal error in Quorate ${version}: ${message}; please report this line and the command to its maintainers${verbose ? '' : ', with what -v adds'}`;
  const trace = verbose && error instanceof Error && error.stack !== undefined ? [error.stack] : [];
  return [line, ...trace.map((text) => escapeForTerminal(text, { multiline: true }))].join('\n').concat('\n');
}

export function wantsTrace(argv: readonly string[]): boolean {
  return argv.some((word) => word === '--verbose' || /^-[A-Za-z]*v/.test(word));
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
