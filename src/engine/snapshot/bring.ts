// One snapshot made ready on this machine: proved where it lies, or brought here for as long as it is needed.
import { join } from 'node:path';
import type { Attempt } from '../../failure.ts';
import { openPart } from '../../storage/part.ts';
import type { Place } from '../../storage/place.ts';
import { readReceipt } from './catalogue.ts';
import { type FetchedSnapshot, proveSnapshot, receiveSnapshot } from './fetch.ts';

export interface BringOptions {
  place: Place;
  name: string;
  /** `$XDG_STATE_HOME/quorate`: where a file is kept meanwhile whose place is not a directory of this machine. */
  home: string;
  signal: AbortSignal;
  onProgress(what: string, done: number, total: number): void;
}

export interface BroughtSnapshot extends FetchedSnapshot {
  path: string;
}

/** Calls `use` with it, and takes what was only brought away afterwards. A receipt that cannot be read is a failure. */
export async function withSnapshot<T>(
  options: BringOptions,
  use: (snapshot: BroughtSnapshot) => Promise<Attempt<T>>,
): Promise<Attempt<T>> {
  const { place, name, signal, onProgress } = options;
  const receipt = await readReceipt(place, name);
  if (!receipt.ok) return receipt;
  if (place.directory !== undefined) {
    const path = join(place.directory, name);
    const verifying = (done: number, total: number) => onProgress('verifying', done, total);
    const proved = await proveSnapshot(path, path, receipt.value, { signal, onProgress: verifying });
    return proved.ok ? use({ ...proved.value, path }) : proved;
  }
  const part = await openPart(join(options.home, 'snapshots'));
  if (!part.ok) return part;
  try {
    const received = await receiveSnapshot({ place, name, signal, onProgress }, part.value, receipt.value);
    return received.ok ? await use({ ...received.value, path: part.value.path }) : received;
  } finally {
    await part.value.discard();
  }
}
