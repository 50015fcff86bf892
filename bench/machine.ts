import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** What a figure depends on, in one line. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const os = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const ssh = /OpenSSH_\S+/.exec(execFileSync('sh', ['-c', 'ssh -V 2>&1'], { encoding: 'utf8' }))?.[0] ?? 'ssh';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB, ${os}, Linux ${release()}, Node ${process.version}, ${ssh}`;
}

/** How many processes wanted to run in the last minute: what else the machine does makes figures worse. */
export function loadNow(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

/** The commit that is measured; with `+` where files differ from it. */
export function commitNow(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  // The results themselves are written by measuring.
  const changed = git('status', '--porcelain', '--', ':/', ':!/bench/RESULTS.md', ':!/bench/results.json');
  return `${git('rev-parse', '--short=10', 'HEAD')}${changed === '' ? '' : '+'}`;
}
