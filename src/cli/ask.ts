// Questions on the terminal.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Io } from './io.ts';

/** The answer, or undefined where there is nobody to ask. */
export async function ask(question: string, io: Io, signal?: AbortSignal): Promise<string | undefined> {
  if (!io.stdin.isTTY || !io.stderr.isTTY) return undefined;
  return askOn(io.stderr, question, io, signal);
}

/** The same, without showing what is typed. */
export async function askSecret(question: string, io: Io): Promise<string | undefined> {
  if (!io.stdin.isTTY || !io.stderr.isTTY) return undefined;
  io.stderr.write(question);
  const answer = await askOn(new Writable({ write: (_chunk, _encoding, done) => done() }), '', io);
  io.stderr.write('\n');
  return answer;
}

async function askOn(
  output: NodeJS.WritableStream,
  question: string,
  io: Io,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const terminal = createInterface({ input: io.stdin, output, terminal: true });
  // readline catches Ctrl-C itself: hand it on, or an operator could not leave the question.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    return await terminal.question(question, signal ? { signal } : {});
  } catch {
    return undefined;
  } finally {
    terminal.close();
  }
}
