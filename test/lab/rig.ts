// What lab tests stand on: real hosts of their own, a folder with states and pillar, and the real command.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Lab, openLab, type UpOptions } from '../../lab/lab.ts';

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** The JSON document of a run, as docs/json.md describes it. */
export interface RunDocument {
  run: string;
  outcome: string;
  hosts: Record<string, Record<string, number>>;
  results: {
    host: string;
    resource: string;
    outcome: string;
    stage?: number;
    predicted: unknown[];
    actual: unknown[];
    why?: { message: string; reason: string; next?: string };
  }[];
  notes: string[];
  failures: { reason: string; message: string; host?: string; next?: string }[];
}

export interface Running {
  /** Ends the controller at once, as a crash would. */
  kill(signal?: NodeJS.Signals): void;
  /** Everything printed so far on stderr. */
  said(): string;
  /** Everything printed so far on stdout. */
  printed(): string;
  ended: Promise<Ended>;
}

export interface Rig {
  lab: Lab;
  /** The working directory of every command: holds states/, pillar/ and the controller's own state. */
  folder: string;
  /** Writes files below the folder; a path that ends in a slash only makes the directory. */
  write(files: Record<string, string>): void;
  read(path: string): string;
  /** `quorate ARGS` against this lab; the inventory is passed unless `-i` is among the arguments. */
  quorate(...args: string[]): Promise<Ended>;
  /** The same with `--json`, parsed. */
  json(...args: string[]): Promise<Ended & { document: RunDocument }>;
  start(...args: string[]): Running;
  /** The same with more in its environment. */
  startWith(env: Record<string, string>, ...args: string[]): Running;
  close(): Promise<void>;
}

const QUORATE = join(import.meta.dirname, '../../bin/quorate');

/** A lab of `hosts` bare hosts, or with `kubelet` of hosts that can run static pods, under an id of its own; closed, nothing of it is left. */
export async function openRig(id: string, subnet: string, hosts: number, options: UpOptions = {}): Promise<Rig> {
  const lab = openLab({ id, subnet });
  await lab.up(hosts, { ...options, fresh: true });
  const folder = mkdtempSync(join(tmpdir(), `quorate-${id}-`));
  mkdirSync(join(folder, 'states'));
  mkdirSync(join(folder, 'pillar'));

  const start = (...args: string[]): Running => startWith({}, ...args);

  function startWith(env: Record<string, string>, ...args: string[]): Running {
    const without = ['states', 'runs'].includes(args[0]!) || args.slice(0, 2).join(' ') === 'snapshot verify';
    const inventory = args.includes('-i') || without ? [] : ['-i', lab.inventoryPath];
    const child = spawn(QUORATE, [...args, ...inventory], {
      cwd: folder,
      env: { ...process.env, XDG_STATE_HOME: join(folder, 'state'), NO_COLOR: '1', CI: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, stdout, stderr }));
    });
    return { kill: (signal = 'SIGKILL') => void child.kill(signal), said: () => stderr, printed: () => stdout, ended };
  }

  return {
    lab,
    folder,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, path.endsWith('/') ? path : dirname(path)), { recursive: true });
        if (!path.endsWith('/')) writeFileSync(join(folder, path), text);
      }
    },
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    quorate: (...args) => start(...args).ended,
    async json(...args) {
      const ended = await start(...args, '--json').ended;
      try {
        return { ...ended, document: JSON.parse(ended.stdout) };
      } catch {
        throw new Error(`no JSON document (exit ${ended.status}): ${ended.stdout}\n${ended.stderr}`);
      }
    },
    start,
    startWith,
    async close() {
      await lab.down();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
