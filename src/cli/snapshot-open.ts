// One snapshot, as it is typed: a file, or a place and which one of it.
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Attempt, succeed } from '../failure.ts';
import type { Place } from '../storage/place.ts';
import type { ValueMap } from '../value.ts';
import { type ConnectHost, placeFor } from './snapshot-place.ts';

/** A file of this machine may be called anything; elsewhere a name that does not end in `.db` is a place. */
export async function openSnapshot(
  text: string,
  pillar: ValueMap,
  connect: ConnectHost,
  signal: AbortSignal,
): Promise<Attempt<{ place: Place; name: string }>> {
  if (statSync(text, { throwIfNoEntry: false })?.isFile()) {
    const { openDirectory } = await import('../storage/file.ts');
    const path = resolve(text);
    return succeed({ place: openDirectory(dirname(path)), name: basename(path) });
  }
  const opened = await placeFor(text, pillar, connect, signal);
  if (!opened.ok) return opened;
  const { place, name } = opened.value;
  if (name !== undefined) return succeed({ place, name });
  const [{ readCatalogue }, { pickEntry }] = await Promise.all([
    import('../engine/snapshot/catalogue.ts'),
    import('./snapshot-list.ts'),
  ]);
  const entries = await readCatalogue(place);
  const entry = entries.ok ? pickEntry(entries.value, undefined) : entries;
  if (entry.ok) return succeed({ place, name: entry.value.name });
  await place.close();
  return entry;
}
