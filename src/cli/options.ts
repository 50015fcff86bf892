// The options that commands share: declared once, read once.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LimitSeconds } from '../engine/limits.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Io } from './io.ts';
import { packageRoot } from './package.ts';

export interface CommonOptions {
  inventory?: string;
  target?: string;
  pillar?: string;
  states?: string[];
  parallel: number;
  json?: true;
  color: boolean;
  verbose?: true;
  connectLimit?: number;
  programLimit?: number;
  stageLimit?: number;
  runLimit?: number;
  lockWait?: number;
  askBecomePass?: true;
}

/** `-i`: every command that knows hosts. */
export function addInventoryOptions(command: Command): Command {
  return command.option(
    '-i, --inventory <path>',
    'inventory: a YAML file, a folder of them, or a program (default: $QUORATE_INVENTORY, else ./inventory)',
  );
}

/** `--json --no-color -v`: every command. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on stdout (docs/json.md)')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .option('-v, --verbose', 'say more: whole diffs, every resource');
}

export function addPillarOptions(command: Command): Command {
  return command.option('--pillar <folder>', 'pillar layers (default: $QUORATE_PILLAR, else ./pillar if it is there)');
}

export function addStatesOptions(command: Command): Command {
  return command.option(
    '--states <folder...>',
    "where your own states are, before Quorate's (default: ./states if it is there)",
  );
}

/** Every command that connects. */
export function addHostOptions(command: Command): Command {
  return addConnectionOptions(addPillarOptions(addInventoryOptions(command)));
}

/** Which hosts, and how long to wait for them. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('-t, --target <pattern>', 'hosts: groups, names, globs, lists, exclusions (masters:!m3)')
    .option('--parallel <hosts>', 'how many hosts are worked with at once', positiveInteger, 32)
    .option('-K, --ask-become-pass', "ask for sudo's password")
    .addOption(limitOption('--connect-limit', 'to connect to a host (default: 10)'))
    .addOption(limitOption('--program-limit', 'one program on one host (default: 120)'))
    .addOption(limitOption('--stage-limit', 'one stage on all hosts (default: 600)'))
    .addOption(limitOption('--run-limit', 'the whole run (default: 3600)'));
}

function limitOption(flag: string, meaning: string): Option {
  return new Option(`${flag} <seconds>`, `limit in seconds: ${meaning}`).argParser(positiveNumber);
}

export function limitSeconds(options: CommonOptions): LimitSeconds {
  const { connectLimit, programLimit, stageLimit, runLimit, lockWait } = options;
  return {
    ...(connectLimit === undefined ? {} : { connect: connectLimit }),
    ...(programLimit === undefined ? {} : { program: programLimit }),
    ...(stageLimit === undefined ? {} : { stage: stageLimit }),
    ...(runLimit === undefined ? {} : { run: runLimit }),
    ...(lockWait === undefined ? {} : { lock: lockWait }),
  };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1 is expected');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError('a number of seconds above 0 is expected');
  return value;
}

export function inventoryPath(options: CommonOptions, io: Io): Attempt<string> {
  const path =
    options.inventory ?? (io.env.QUORATE_INVENTORY || undefined) ?? (existsSync('inventory') ? 'inventory' : undefined);
  if (path !== undefined) return succeed(path);
  return fail({
    reason: 'usage',
    message: 'no inventory: there is no ./inventory here',
    next: 'pass -i PATH, or set QUORATE_INVENTORY',
  });
}

/** Writing to hosts, or asking them, is never a default. */
export function targetPattern(options: CommonOptions): Attempt<string> {
  if (options.target !== undefined) return succeed(options.target);
  return fail({ reason: 'usage', message: 'no target: which hosts are meant?', next: 'pass -t masters, or -t all' });
}

export function pillarFolder(options: CommonOptions, io: Io): string | undefined {
  return options.pillar ?? io.env.QUORATE_PILLAR ?? (existsSync('pillar') ? 'pillar' : undefined);
}

/** The operator's own first, then the states that Quorate ships. */
export function stateFolders(options: Pick<CommonOptions, 'states'>): Attempt<string[]> {
  const missing = (options.states ?? []).filter(
    (folder) => !statSync(folder, { throwIfNoEntry: false })?.isDirectory(),
  );
  if (missing.length > 0) {
    return fail(
      ...missing.map((folder): Failure => {
        const next = 'check the path: every word after --states is one, up to the next option';
        return { reason: 'unreadable', message: `there is no directory of states ${folder}`, next };
      }),
    );
  }
  const own = options.states ?? (existsSync('states') ? ['states'] : []);
  const shipped = join(packageRoot(), 'states');
  return succeed([...own.filter((folder) => resolve(folder) !== shipped), shipped]);
}
