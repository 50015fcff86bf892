// A session with this machine's own shell, by the same protocol as over ssh.
import { spawn } from 'node:child_process';
import { BOOTSTRAP } from '../shell/loader.ts';
import type { Channel, Ending } from './channel.ts';
import { openChannelSession } from './channel-session.ts';
import { type ApplySession, OUTPUT_LIMIT } from './session.ts';

export interface LocalOptions {
  /** The shell and its arguments before `-c`: `['sh']`, `['busybox', 'sh']`. Default `['sh']`. */
  shell?: [string, ...string[]];
  env?: NodeJS.ProcessEnv;
  outputLimit?: number;
}

/** A session of the same kind as with a host, on this machine and as this user. */
export function openLocalSession(host: string, options: LocalOptions = {}): ApplySession {
  const channel = openLocalChannel(options);
  return openChannelSession(channel, { host, outputLimit: options.outputLimit ?? OUTPUT_LIMIT });
}

export function openLocalChannel({ shell = ['sh'], env = process.env }: LocalOptions = {}): Channel {
  const [file, ...args] = shell;
  // The inner script alone: BOOTSTRAP is for a login shell, here we are the login shell ourselves.
  const script = BOOTSTRAP.slice("sh -c '".length, -1);
  // A process group of its own, as sshd makes one: the watchdog of a program ends the whole group.
  const child = spawn(file, [...args, '-c', script], { stdio: 'pipe', env, detached: true });
  const ended = new Promise<Ending>((resolve) => {
    child.on('close', (status, signal) =>
      resolve({ status: status ?? undefined, signal: signal?.replace(/^SIG/, '') }),
    );
    child.on('error', (error) => resolve({ broken: { reason: 'unreachable', message: error.message } }));
  });
  const destroy = () => {
    for (const stream of child.stdio) stream?.destroy();
  };
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    destroy,
    terminate() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
      destroy();
    },
  };
}
