// A snapshot from its place to this machine: whole, proved and with its receipt, or not at all.
import { basename } from 'node:path';
import { receiptName } from '../../etcd/snapshot/name.ts';
import { compareWithReceipt, type Receipt } from '../../etcd/snapshot/receipt.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { openPart, type Part } from '../../storage/part.ts';
import { type Place, storageFailure } from '../../storage/place.ts';
import { readReceipt } from './catalogue.ts';
import { formatReceipt } from './receipt-file.ts';
import { type VerifiedSnapshot, type VerifyOptions, verifySnapshot } from './verify.ts';

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

export async function fetchSnapshot(options: FetchOptions): Promise<Attempt<FetchedSnapshot>> {
  const { name, directory } = options;
  const receipt = await readReceipt(options.place, name);
  // Nobody could tell whether it is still the file that was made then.
  if (!receipt.ok) return receipt;
  const part = await openPart(directory);
  if (!part.ok) return part;
  try {
    const received = await receiveSnapshot(options, part.value, receipt.value);
    if (!received.ok) return received;
    const kept = await part.value.commit(name);
    if (!kept.ok) return kept;
    if (!receipt.value) return received;
    const beside = await openPart(directory);
    if (!beside.ok) return beside;
    await beside.value.write(Buffer.from(formatReceipt(receipt.value)));
    const written = await beside.value.commit(receiptName(name));
    await beside.value.discard();
    return written.ok ? received : written;
  } catch (error) {
    return fail(storageFailure(directory, (error as Error).message));
  } finally {
    await part.value.discard();
  }
}

/** Into `part`, which is kept only if the caller commits it; proved, and the file of its receipt. */
export async function receiveSnapshot(
  { place, name, signal, onProgress }: Omit<FetchOptions, 'directory'>,
  part: Part,
  receipt: Receipt | undefined,
): Promise<Attempt<FetchedSnapshot>> {
  const show = (what: string) => (done: number, total: number) => onProgress(what, done, total);
  const got = await place.get(name, part.write, { signal, onProgress: show(`from ${place.url}`) });
  if (!got.ok) return got;
  return proveSnapshot(part.path, `${place.url}/${basename(name)}`, receipt, {
    signal,
    onProgress: show('verifying'),
  });
}

/** @param called what messages call it: the path may be that of a copy */
export async function proveSnapshot(
  path: string,
  called: string,
  receipt: Receipt | undefined,
  options: VerifyOptions,
): Promise<Attempt<FetchedSnapshot>> {
  const verified = await verifySnapshot(path, options);
  if (!verified.ok) {
    return fail(
      ...verified.failures.map((failure) => ({ ...failure, message: failure.message.replace(path, called) })),
    );
  }
  const differences = receipt ? compareWithReceipt(receipt, verified.value) : [];
  if (differences.length > 0) {
    const message = `${called} is whole, but not the file of its receipt\n${differences.join('\n')}`;
    return fail({ reason: 'snapshot', message, next: 'it was exchanged or overwritten there: take another one' });
  }
  return succeed({ snapshot: verified.value, ...(receipt ? { receipt } : {}) });
}
