// A session on this machine, under each shell that a host may have, and what tests ask of it.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import type { Answer, Part } from '../../../src/shell/program.ts';
import { openLocalSession } from '../../../src/transport/local.ts';
import type { ApplySession, ProgramResult } from '../../../src/transport/session.ts';

export const signal = new AbortController().signal;

export const show = ({ id, state, status, stdout, stderr }: Answer) => ({
  id,
  state,
  status,
  stdout: String(stdout),
  stderr,
});
export const states = (answers: Answer[]) => answers.map(({ id, state }) => `${id} ${state}`);
export const bytes = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919) % 256));

/** Of this test run alone: another one on this machine must not meet its processes. */
export const mark = String(100_000 + randomInt(800_000));

/** Command lines of all processes that contain `text`. */
export function processes(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}

export async function until(condition: () => boolean, ms = 20_000): Promise<void> {
  for (const end = Date.now() + ms; !condition(); await sleep(20)) {
    if (Date.now() > end) throw new Error('did not happen in time');
  }
}

/** What a shell had written before the test saw what came after it has been read: one turn of the loop, however busy the machine is. */
export const delivered = () => sleep(20);

export interface LocalRig {
  /** A directory of this test alone. */
  readonly folder: string;
  /** The first line of a script that `begun` waits for. */
  readonly begins: string;
  begun(): Promise<void>;
  /** Closed after the test. */
  open(
    name: string,
    shell: [string, ...string[]],
    options?: { env?: NodeJS.ProcessEnv; outputLimit?: number },
  ): ApplySession;
  run(on: ApplySession, parts: Part[], options?: { limitMs?: number; prelude?: string }): Promise<ProgramResult>;
}

/** Sets itself up before each test of the file, and takes itself down after it. */
export function createLocalRig(): LocalRig {
  let folder = '';
  let session: ApplySession | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
  });
  afterEach(async () => {
    await session?.close();
    session = undefined;
    rmSync(folder, { recursive: true });
  });

  /** busybox alone: its own dd, mktemp, sha256sum before the machine's. */
  function busyboxPath(): string {
    const applets = join(folder, 'applets');
    mkdirSync(applets);
    execFileSync('busybox', ['--install', '-s', applets]);
    return `${applets}:${process.env.PATH}`;
  }

  return {
    get folder() {
      return folder;
    },
    get begins() {
      return `echo >'${folder}/begun'`;
    },
    async begun() {
      await until(() => existsSync(join(folder, 'begun')));
      await delivered();
    },
    open(name, shell, options = {}) {
      const env = options.env ?? (name === 'busybox sh' ? { ...process.env, PATH: busyboxPath() } : process.env);
      session = openLocalSession('here', { shell, ...options, env });
      return session;
    },
    run: (on, parts, options = {}) =>
      on.write(
        { kind: 'write', parts, ...(options.prelude === undefined ? {} : { prelude: options.prelude }) },
        { signal, limitMs: options.limitMs ?? 20_000 },
      ),
  };
}
