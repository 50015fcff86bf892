import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { cgroupOf, isFrozen } from './cgroup.ts';
import { LabFailure } from './failure.ts';
import type { Settings } from './settings.ts';
import { ask } from './shell.ts';

const LOGIN = [
  ...['HOME=/root', 'USER=root', 'LOGNAME=root', 'SHELL=/bin/bash'],
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

/** How a command on a host ended. */
export interface ExecResult {
  /** The exit status; 128 + N when signal N ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The process id, on this machine, of the host's PID 1; undefined while the host is not running. */
export function leaderOf(lab: Settings, host: string): number | undefined {
  const file = join(initScope(lab, host), 'cgroup.procs');
  if (!existsSync(file)) return undefined;
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number).find(isInit);
}

/** The argument vector that runs `command` inside a host: in its namespaces and its cgroup, with a clean environment. */
export function insideOf(lab: Settings, host: string, command: string | readonly string[]): string[] {
  const leader = leaderOf(lab, host);
  if (leader === undefined) throw new LabFailure(`${host} is not running.`, `npm run lab -- start ${host}`);
  if (isFrozen(cgroupOf(lab, host)))
    throw new LabFailure(`${host} is frozen and runs nothing.`, `npm run lab -- thaw ${host}`);
  const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
  const enter = `nsenter --target=${leader} --mount --uts --ipc --net --pid --cgroup --root --wd`.split(' ');
  // In the cgroup first, so that a crash of the host takes the command with it.
  const joined = ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(initScope(lab, host), 'cgroup.procs'), ...enter];
  return [...joined, 'env', '-i', ...LOGIN, `TERM=${process.env.TERM ?? 'dumb'}`, ...argv];
}

/**
 * For whoever runs what {@link insideOf} gives: a systemd that shuts down stops every process for a moment, and nsenter
 * stops itself with its child. If nobody woke it, nobody would reap the child, and the guest, which waits for that, would
 * never end. Call the result when the command has ended.
 */
export function keepAwake(pid: number | undefined): () => void {
  const waking = setInterval(() => {
    try {
      if (/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) process.kill(pid!, 'SIGCONT');
    } catch {
      // It ended meanwhile.
    }
  }, 200);
  return () => clearInterval(waking);
}

/** Runs a command inside a host, whether or not its network and sshd work. A string is for `sh -c`. */
export async function exec(
  lab: Settings,
  host: string,
  command: string | readonly string[],
  input: string | Buffer = '',
): Promise<ExecResult> {
  const running = ask({ input })`${insideOf(lab, host, command)}`;
  const result = await running.finally(keepAwake(running.pid));
  const signal = result.signal ? constants.signals[result.signal] : 127;
  return { status: result.exitCode ?? 128 + signal, stdout: result.stdout, stderr: result.stderr };
}

function initScope(lab: Settings, host: string): string {
  return join(cgroupOf(lab, host), 'machine/payload/init.scope');
}

// Only PID 1 of the guest's own process namespace has this pair.
function isInit(pid: number): boolean {
  try {
    return /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // It ended meanwhile.
  }
}
