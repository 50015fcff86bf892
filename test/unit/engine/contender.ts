// A loader as locks see it: a shell in a process group of its own, which runs a lock's script and then waits.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { HOST_LOCKS } from '../../../src/engine/places.ts';

export interface Contender {
  pid: number;
  /** The answer of its script, once it has one. */
  answered: Promise<string>;
  /** The connection ends in good order: what is left to run is run. */
  end(): Promise<void>;
  /** Nothing of it runs any more. */
  kill(): Promise<void>;
  ended: Promise<unknown>;
}

/** `script` with its locks in `folder` instead of where a host has them. */
export function within(folder: string, script: string): string {
  return script.replaceAll(HOST_LOCKS, folder);
}

/** Runs `script`, says what it says, waits for its input to end, and then runs `last`. */
export function contend(shell: string[], folder: string, script: string, last = ''): Contender {
  const [command, ...args] = shell as [string, ...string[]];
  // As the loader does it: in a subshell, while `$$` stays the loader.
  const text = within(folder, `(\n${script}\n)\necho .\nwhile read -r line; do :; done\n${last}`);
  const child = spawn(command, [...args, '-c', text], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  return {
    pid: child.pid!,
    answered: readAnswer(child),
    async end() {
      child.stdin.end();
      await ended;
    },
    async kill() {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // It has ended already.
      }
      await ended;
    },
    ended,
  };
}

async function readAnswer(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout!) {
    said += chunk;
    if (said.endsWith('.\n')) return said.slice(0, -3);
  }
  return said;
}
