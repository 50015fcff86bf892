// quorate snapshot list: which snapshots there are, how old, and whether they were proved.
import type { Command } from 'commander';
import type { CatalogueEntry } from '../engine/snapshot/catalogue.ts';
import { type Failure, fail, succeed } from '../failure.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions } from './options.ts';
import { print, printJson, useColor } from './print.ts';
import { exitOf, interruptible, placesFor, printFailures } from './snapshot-place.ts';

interface ListCommandOptions extends CommonOptions {
  from?: string;
}

export function addSnapshotListCommand(program: Command, shell: Shell): void {
  const command = program.command('list').description('the snapshots of a place, newest first; changes nothing');
  addHostOptions(command).option(
    '--from <place>',
    'a directory, host://HOST/DIRECTORY or s3://BUCKET/PREFIX (default: pillar key snapshot.url of the target, of all)',
  );
  addOutputOptions(command).action(async (options: ListCommandOptions) => {
    shell.finish(await list(options, shell.io));
  });
}

async function list(options: ListCommandOptions, io: Io): Promise<number> {
  const { entries, failures } = await interruptible((signal) => readAll(options, io, signal));
  if (options.json) printJson({ schema: 1, snapshots: entries.map(entryToJson), failures }, io);
  else {
    const { describeEntries } = await import('./snapshot-text.ts');
    const look = {
      color: useColor(options, io, io.stdout),
      width: io.stdout.columns || Number.POSITIVE_INFINITY,
      now: new Date(),
    };
    if (entries.length > 0 || failures.length === 0) print(describeEntries(entries, look), io);
    await printFailures(failures, options, io);
  }
  return exitOf(failures);
}

/** Of all places; one that cannot be read does not hide the others. */
export async function readAll(
  options: ListCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<{ entries: CatalogueEntry[]; failures: Failure[] }> {
  const places = await placesFor(options.from, options, io, signal);
  if (!places.ok) return { entries: [], failures: places.failures };
  const { readCatalogue } = await import('../engine/snapshot/catalogue.ts');
  const entries: CatalogueEntry[] = [];
  const failures: Failure[] = [];
  for (const { place, name } of places.value) {
    const read = await readCatalogue(place);
    await place.close();
    if (read.ok) entries.push(...read.value.filter((entry) => name === undefined || entry.name === name));
    else failures.push(...read.failures);
  }
  return { entries, failures };
}

export function entryToJson({ time, receipt, ...entry }: CatalogueEntry): object {
  return { ...entry, time: time.toISOString(), receipt: receipt ?? null };
}

/** The one that is meant: by its name or the end of its place, else the newest that was proved. */
export function pickEntry(entries: readonly CatalogueEntry[], name: string | undefined) {
  const found =
    name === undefined
      ? entries.find(({ state }) => state === 'verified')
      : entries.find((entry) => entry.name === name);
  if (found) return succeed(found);
  return fail({
    reason: 'unknown',
    message: name === undefined ? 'there is no snapshot that was proved' : `there is no snapshot ${name}`,
    next: '`quorate snapshot list` shows what there is',
  });
}
