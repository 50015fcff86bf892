// Which processes a login forks on a host: counted by the kernel's own word, so the same however busy the machine is.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupOf } from '../lab/cgroup.ts';
import type { Settings } from '../lab/settings.ts';

export interface Forked {
  /** Processes, threads left out: those of sshd itself too, the same for every login. */
  processes: number;
  /** Programs that were started in them, by their paths, in order. */
  programs: string[];
}

/** Long enough for what a session leaves running, such as sshd's own end. Milliseconds. */
const PATIENCE_MS = 30_000;

/** Follows all that the host's sshd forks while `work` is done, until the last of it has ended. */
export async function countForks(lab: Settings, host: string, work: () => Promise<unknown>): Promise<Forked> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-forks-'));
  const trace = join(folder, 'trace');
  const sshd = sshdOf(lab, host);
  const calls = 'trace=execve,clone,clone3,fork,vfork';
  const child = spawn('strace', ['-f', '-e', calls, '-o', trace, '-p', String(sshd)], {
    stdio: 'ignore',
  });
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`strace ended with ${status} before the count was over`)));
  });
  ended.catch(() => {});
  try {
    await Promise.race([ended, waitFor('strace to follow sshd', () => tracerOf(sshd) !== 0)]);
    await Promise.race([ended, work()]);
    const counted = () => readTrace(readFileSync(trace, 'utf8'));
    await Promise.race([ended, waitFor('what was forked to end', () => counted().alive === 0)]);
    return counted();
  } finally {
    child.removeAllListeners('exit');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.kill('SIGINT')) await gone;
    rmSync(folder, { recursive: true });
  }
}

/** Pure: what strace has written. */
export function readTrace(text: string): Forked & { alive: number } {
  const programs: string[] = [];
  const open = new Map<string, string>();
  let [processes, begun, ended] = [0, 0, 0];
  for (const line of text.split('\n')) {
    const [, pid, what] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || what === undefined) continue;
    if (what.startsWith('+++ ')) ended++;
    if (what.endsWith('<unfinished ...>')) {
      open.set(pid, what.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    // Another process was heard between a call's beginning and its end.
    const whole = what.replace(/^<\.\.\. \w+ resumed>/, () => open.get(pid) ?? '');
    const [, call, words = '', result] = /^(\w+)\((.*)\) += (\d+)/.exec(whole) ?? [];
    if (result === undefined) continue;
    if (call === 'execve') programs.push(/^"([^"]*)"/.exec(words)?.[1] ?? '?');
    else {
      begun++;
      if (!words.includes('CLONE_THREAD')) processes++;
    }
  }
  return { processes, programs, alive: begun - ended };
}

/** The process, on this machine, that takes the host's logins. */
function sshdOf(lab: Settings, host: string): number {
  const file = join(cgroupOf(lab, host), 'machine/payload/system.slice/ssh.service/cgroup.procs');
  const [pid] = readFileSync(file, 'utf8').split('\n');
  if (!pid) throw new Error(`${host} has no sshd`);
  return Number(pid);
}

function tracerOf(pid: number): number {
  return Number(/^TracerPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function waitFor(what: string, is: () => boolean): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!is()) {
    if (performance.now() > until) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}
