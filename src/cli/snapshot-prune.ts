// quorate snapshot prune: old snapshots go, once somebody has seen which.
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { CatalogueEntry } from '../engine/snapshot/catalogue.ts';
import type { Failure } from '../failure.ts';
import { count } from '../report/layout.ts';
import type { Place } from '../storage/place.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions } from './options.ts';
import { print, printJson } from './print.ts';
import { entryToJson } from './snapshot-list.ts';
import { exitOf, interruptible, placesFor, printFailures } from './snapshot-place.ts';

interface PruneCommandOptions extends CommonOptions {
  from?: string;
  keep: number;
  keepDays: number;
  confirm?: true;
}

export function addSnapshotPruneCommand(program: Command, shell: Shell): void {
  const command = program
    .command('prune')
    .description(
      'remove old snapshots and their receipts for good: shows which, and asks; the last proved one always stays',
    );
  addHostOptions(command)
    .option('--from <place>', 'where they are kept (default: pillar key snapshot.url)')
    .requiredOption('--keep <number>', 'of each cluster, so many of the newest stay', wholeNumber(1))
    .option('--keep-days <days>', 'those that are younger stay too', wholeNumber(0), 0)
    .option('--confirm', 'do not ask; needed where there is no terminal');
  addOutputOptions(command).action(async (options: PruneCommandOptions) => {
    shell.finish(await prune(options, shell.io));
  });
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text === '' || !Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError(`a whole number of at least ${least} is expected`);
    }
    return value;
  };
}

async function prune(options: PruneCommandOptions, io: Io): Promise<number> {
  return interruptible(async (signal) => {
    const places = await placesFor(options.from, options, io, signal);
    if (!places.ok) {
      await printFailures(places.failures, options, io);
      return exitOf(places.failures);
    }
    const { readCatalogue, choosePrunable } = await import('../engine/snapshot/catalogue.ts');
    const failures: Failure[] = [];
    const rule = { keep: options.keep, keepDays: options.keepDays, now: new Date() };
    const going: { entry: CatalogueEntry; removed: boolean }[] = [];
    try {
      for (const { place } of places.value) {
        const read = await readCatalogue(place);
        if (read.ok) going.push(...choosePrunable(read.value, rule).map((entry) => ({ entry, removed: false })));
        else failures.push(...read.failures);
      }
      const declined = going.length === 0 ? undefined : await confirm(going, options, io, signal);
      if (declined) failures.push(declined);
      else {
        const { receiptName } = await import('../etcd/snapshot/name.ts');
        const byUrl = new Map(places.value.map(({ place }) => [place.url, place]));
        for (const one of going) {
          const place = byUrl.get(one.entry.url)!;
          // The snapshot first: without its receipt it would look like one that was never proved.
          const gone = signal.aborted ? INTERRUPTED : await place.remove(one.entry.name);
          const receiptGone = gone.ok ? await place.remove(receiptName(one.entry.name)) : gone;
          one.removed = gone.ok;
          if (!receiptGone.ok) failures.push(...receiptGone.failures);
          else failures.push(...(await removeRehearsals(byUrl.get(one.entry.url)!, one.entry.name)));
        }
      }
    } finally {
      await Promise.all(places.value.map(({ place }) => place.close()));
    }
    if (options.json) {
      const snapshots = going.map(({ entry, removed }) => ({ ...entryToJson(entry), removed }));
      printJson({ schema: 1, snapshots, failures }, io);
    } else {
      const removed = going.filter((one) => one.removed).length;
      if (going.length === 0 && failures.length === 0) print('nothing to remove', io);
      else if (removed > 0) print(`removed ${count(removed, 'snapshot')}`, io);
      await printFailures(failures, options, io);
    }
    return exitOf(failures);
  });
}

async function removeRehearsals(place: Place, snapshot: string): Promise<Failure[]> {
  const { rehearsalPrefix } = await import('../etcd/snapshot/rehearsal.ts');
  const listed = await place.list();
  if (!listed.ok) return listed.failures;
  const failures: Failure[] = [];
  for (const { name } of listed.value) {
    if (!name.startsWith(rehearsalPrefix(snapshot))) continue;
    const gone = await place.remove(name);
    if (!gone.ok) failures.push(...gone.failures);
  }
  return failures;
}

const INTERRUPTED = {
  ok: false,
  failures: [{ reason: 'interrupted', message: 'the rest was left alone' } as Failure],
} as const;

async function confirm(
  going: { entry: CatalogueEntry }[],
  options: PruneCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { describeEntries } = await import('./snapshot-text.ts');
  const look = { color: false, width: io.stderr.columns || Number.POSITIVE_INFINITY, now: new Date() };
  io.stderr.write(
    `${describeEntries(
      going.map(({ entry }) => entry),
      look,
    )}\n`,
  );
  if (options.confirm) return undefined;
  const { ask } = await import('./ask.ts');
  const answer = await ask(
    `Remove ${going.length === 1 ? 'it' : `these ${going.length}`} for good? Only "yes" does: `,
    io,
    signal,
  );
  if (answer === 'yes') return undefined;
  return {
    reason: 'not-confirmed',
    message:
      answer === undefined
        ? 'there is no terminal to ask on, so nothing was removed'
        : 'the answer was not "yes", so nothing was removed',
    next: 'read which ones would go, then pass --confirm',
  };
}
