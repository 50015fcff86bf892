// One command, run once to its end: how long it took and what it cost this machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Something that is measured. */
export interface Side {
  /** As a reader of the results knows it: `quorate --version`. */
  name: string;
  argv: readonly [string, ...string[]];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Throws when the output shows that the work was not done. A status other than 0 is a failure in any case. */
  check?(stdout: string): void;
}

export interface Timed {
  /** From its start to its end, its children's too. Milliseconds. */
  ms: number;
  /** Of the processor, user and system, with its children. Seconds. */
  cpuSeconds: number;
  /** Resident memory of the largest of its processes. KiB. */
  peakKiB: number;
  stdout: string;
}

/** Runs it under GNU time, which alone is told by the kernel what children cost. Throws when it does not do its work. */
export async function timed(side: Side): Promise<Timed> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-timed-'));
  const usage = join(folder, 'usage');
  try {
    const began = performance.now();
    const { status, stdout, stderr } = await finished(side, ['time', '-q', '-f', '%U %S %M', '-o', usage]);
    const ms = performance.now() - began;
    if (status !== 0)
      throw new Error(`${side.name} ended with ${status}:\n${stderr.slice(-2000)}${stdout.slice(-2000)}`);
    side.check?.(stdout);
    const [user = 0, system = 0, peakKiB = 0] = readFileSync(usage, 'utf8').split(' ').map(Number);
    return { ms, cpuSeconds: user + system, peakKiB, stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function finished({ argv, cwd, env }: Side, before: readonly string[]) {
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const [program = '', ...words] = [...before, ...argv];
    const child = spawn(program, words, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
