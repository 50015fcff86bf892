// quorate snapshot fetch: a snapshot from where it is kept to a directory of this machine, proved on arrival.
import type { Command } from 'commander';
import type { CatalogueEntry } from '../engine/snapshot/catalogue.ts';
import type { FetchedSnapshot } from '../engine/snapshot/fetch.ts';
import { type Attempt, fail, succeed } from '../failure.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions } from './options.ts';
import { printJson, printVisibly } from './print.ts';
import { entryToJson, pickEntry } from './snapshot-list.ts';
import { exitOf, interruptible, placesFor, printFailures } from './snapshot-place.ts';

interface FetchCommandOptions extends CommonOptions {
  from?: string;
  to: string;
}

export function addSnapshotFetchCommand(program: Command, shell: Shell): void {
  const command = program
    .command('fetch')
    .argument('[name]', 'as `snapshot list` prints it (default: the newest one that was proved)')
    .description('bring a snapshot and its receipt to this machine, and prove it there');
  addHostOptions(command)
    .option('--from <place>', 'where it is kept (default: pillar key snapshot.url)')
    .option('--to <directory>', 'where to put it', '.');
  addOutputOptions(command).action(async (name: string | undefined, options: FetchCommandOptions) => {
    shell.finish(await fetch(name, options, shell.io));
  });
}

async function fetch(name: string | undefined, options: FetchCommandOptions, io: Io): Promise<number> {
  const fetched = await interruptible((signal) => fetchOne(name, options, io, signal));
  const failures = fetched.ok ? [] : fetched.failures;
  if (options.json) {
    const snapshots = fetched.ok ? [{ ...entryToJson(fetched.value.entry), url: options.to }] : [];
    printJson({ schema: 1, snapshots, failures }, io);
  } else {
    if (fetched.ok) {
      const { describeVerified } = await import('./snapshot-text.ts');
      const { entry, snapshot, receipt } = fetched.value;
      printVisibly(
        describeVerified(`${options.to}/${entry.name}`, snapshot, { receipt }, options.verbose === true),
        io,
      );
    }
    await printFailures(failures, options, io);
  }
  return exitOf(failures);
}

async function fetchOne(
  name: string | undefined,
  options: FetchCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<Attempt<FetchedSnapshot & { entry: CatalogueEntry }>> {
  const places = await placesFor(options.from, options, io, signal);
  if (!places.ok) return places;
  const [{ readCatalogue }, { fetchSnapshot }, { createProgress }] = await Promise.all([
    import('../engine/snapshot/catalogue.ts'),
    import('../engine/snapshot/fetch.ts'),
    import('../report/progress.ts'),
  ]);
  const [first, ...others] = places.value;
  try {
    if (!first || others.length > 0) {
      const message = `the snapshots are in ${places.value.length} places`;
      return fail({ reason: 'usage', message, next: 'say which with --from, or name one cluster with -t' });
    }
    const entries = await readCatalogue(first.place);
    if (!entries.ok) return entries;
    const entry = pickEntry(entries.value, name ?? first.name);
    if (!entry.ok) return entry;
    const shown = new Map<string, ReturnType<typeof createProgress>>();
    const fetched = await fetchSnapshot({
      place: first.place,
      name: entry.value.name,
      directory: options.to,
      signal,
      onProgress(what, done, total) {
        if (!shown.has(what)) shown.set(what, createProgress(what, io));
        shown.get(what)!.show(done, total);
      },
    });
    for (const progress of shown.values()) progress.end();
    return fetched.ok ? succeed({ ...fetched.value, entry: entry.value }) : fetched;
  } finally {
    await Promise.all(places.value.map(({ place }) => place.close()));
  }
}
