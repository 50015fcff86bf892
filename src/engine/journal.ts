// What runs did, on the controller: one folder a run, with redacted JSON lines and the result.
import { appendFileSync, mkdirSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { explainWriteError } from '../load/writable.ts';
import type { Listener, RunEvent } from './events.ts';
import { controllerHome } from './places.ts';

export interface Journal {
  directory: string;
  listener: Listener;
  /** The result document, whole or not at all. */
  finish(document: unknown): Promise<void>;
}

export interface JournalOptions {
  env: NodeJS.ProcessEnv;
  /** One event as one line, redacted. */
  format(event: RunEvent): string;
  /** Told once of what cannot be written: a run is not left half-way for its journal. */
  warn(text: string): void;
}

/** Fails where it cannot be begun. */
export function openJournal(run: string, { env, format, warn }: JournalOptions): Attempt<Journal> {
  const directory = join(controllerHome(env), 'runs', run);
  const file = join(directory, 'journal.jsonl');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    appendFileSync(file, '', { mode: 0o600 });
  } catch (error) {
    return fail(explainWriteError(directory, error));
  }
  let warned = false;
  const complain = (error: unknown) => {
    if (!warned) warn(`the journal is not whole: ${explainWriteError(file, error).message}`);
    warned = true;
  };
  return succeed({
    directory,
    listener(event) {
      try {
        // Synchronous: a line that tells of a step must be there before the step, whatever happens to this process.
        appendFileSync(file, `${format(event)}\n`, { mode: 0o600 });
      } catch (error) {
        complain(error);
      }
    },
    async finish(document) {
      const result = join(directory, 'result.json');
      try {
        await writeFile(`${result}.part`, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
        await rename(`${result}.part`, result);
      } catch (error) {
        complain(error);
      }
    },
  });
}

export interface RecordedRun {
  run: string;
  directory: string;
  /** The JSON document of the run; absent: the run has not ended, or its controller was killed. */
  result?: Record<string, unknown>;
}

/** One time that a run was begun, or gone on with. */
export interface Begun {
  command: string;
  states: string[];
  targets: string[];
}

/** In order: a restore may be resumed and undone under its own name. */
export async function readBeginnings(recorded: Pick<RecordedRun, 'directory'>): Promise<Begun[]> {
  const lines = (await readLines(recorded)).filter((line) => line.includes('"type":"run-started"'));
  return lines.flatMap((line): Begun[] => {
    const { type, command, states, targets } = parseMap(line) ?? {};
    if (type !== 'run-started' || typeof command !== 'string') return [];
    return [{ command, states: toNames(states), targets: toNames(targets) }];
  });
}

function toNames(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** As this controller knows it; empty: it does not. */
export function beginningsOf(run: string, env: NodeJS.ProcessEnv): Promise<Begun[]> {
  return readBeginnings({ directory: join(controllerHome(env), 'runs', run) });
}

/** Newest first. */
export async function listRuns(env: NodeJS.ProcessEnv): Promise<RecordedRun[]> {
  const home = join(controllerHome(env), 'runs');
  const names = await readdir(home).catch(() => []);
  return Promise.all(
    names
      .sort()
      .reverse()
      .map((run) => readRun(run, join(home, run))),
  );
}

async function readRun(run: string, directory: string): Promise<RecordedRun> {
  const text = await readFile(join(directory, 'result.json'), 'utf8').catch(() => undefined);
  const result = text === undefined ? undefined : parseMap(text);
  return { run, directory, ...(result === undefined ? {} : { result }) };
}

/** The run's journal, line by line; a half-written last line (a crash) is left out. */
export async function readJournal(recorded: RecordedRun): Promise<Record<string, unknown>[]> {
  return (await readLines(recorded)).map(parseMap).filter((line) => line !== undefined);
}

async function readLines({ directory }: Pick<RecordedRun, 'directory'>): Promise<string[]> {
  return (await readFile(join(directory, 'journal.jsonl'), 'utf8').catch(() => '')).split('\n');
}

/** Undefined for what is no JSON map: a crash, or somebody's editor, has left half of one. */
function parseMap(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
