// A snapshot from its place to this machine: whole, proved and with its receipt, or not at all.
import { basename } from 'node:path';
import { receiptName } from '../../etcd/snapshot/name.ts';
import { compareWithReceipt, type Receipt } from '../../etcd/snapshot/receipt.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { openPart } from '../../storage/part.ts';
import { type Place, storageFailure } from '../../storage/place.ts';
import { readReceipt } from './catalogue.ts';
import { formatReceipt } from './receipt-file.ts';
import { type VerifiedSnapshot, verifySnapshot } from './verify.ts';

export interface FetchOptions {
  place: Place;
  name: string;
  /** On this machine. */
  directory: string;
  signal: AbortSignal;
  onProgress(what: string, done: number, total: number): void;
}

export interface FetchedSnapshot {
  snapshot: VerifiedSnapshot;
  receipt?: Receipt;
}

export async function fetchSnapshot({
  place,
  name,
  directory,
  signal,
  onProgress,
}: FetchOptions): Promise<Attempt<FetchedSnapshot>> {
  const receipt = await readReceipt(place, name);
  const part = await openPart(directory);
  if (!part.ok) return part;
  try {
    const show = (what: string) => (done: number, total: number) => onProgress(what, done, total);
    const got = await place.get(name, part.value.write, { signal, onProgress: show(`from ${place.url}`) });
    if (!got.ok) return got;
    const verified = await verifySnapshot(part.value.path, { signal, onProgress: show('verifying') });
    if (!verified.ok) {
      const named = verified.failures.map((failure) => ({
        ...failure,
        message: failure.message.replace(part.value.path, `${place.url}/${basename(name)}`),
      }));
      return fail(...named);
    }
    const differences = receipt ? compareWithReceipt(receipt, verified.value) : [];
    if (differences.length > 0) {
      const message = `${place.url}/${name} is whole, but not the file of its receipt\n${differences.join('\n')}`;
      return fail({ reason: 'snapshot', message, next: 'it was exchanged or overwritten there: take another one' });
    }
    const kept = await part.value.commit(name);
    if (!kept.ok) return kept;
    if (!receipt) return succeed({ snapshot: verified.value });
    const beside = await openPart(directory);
    if (!beside.ok) return beside;
    await beside.value.write(Buffer.from(formatReceipt(receipt)));
    const written = await beside.value.commit(receiptName(name));
    await beside.value.discard();
    return written.ok ? succeed({ snapshot: verified.value, receipt }) : written;
  } catch (error) {
    return fail(storageFailure(directory, (error as Error).message));
  } finally {
    await part.value.discard();
  }
}
