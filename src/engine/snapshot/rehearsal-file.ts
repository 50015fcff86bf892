// Receipts of rehearsals: written beside the snapshot, and checked when they are read back.
import rehearsalSchema from '../../../schemas/snapshot-rehearsal.schema.json' with { type: 'json' };
import { type Rehearsal, rehearsalName, rehearsalPrefix } from '../../etcd/snapshot/rehearsal.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { openPart } from '../../storage/part.ts';
import { type Place, readSmall, storageFailure } from '../../storage/place.ts';
import { LARGEST_RECEIPT_BYTES } from './receipt-file.ts';

/** @param directory of this machine, for a place that is none @returns what it is called there */
export async function keepRehearsal(
  place: Place,
  directory: string,
  rehearsal: Rehearsal,
  signal: AbortSignal,
): Promise<Attempt<string>> {
  const name = rehearsalName(rehearsal.snapshot.name, new Date(rehearsal.time));
  const at = place.directory ?? directory;
  const part = await openPart(at);
  if (!part.ok) return part;
  try {
    await part.value.write(Buffer.from(`${JSON.stringify(rehearsal, undefined, 2)}\n`));
    const kept =
      place.directory === undefined
        ? await place.put(name, part.value.path, { signal })
        : await part.value.commit(name);
    return kept.ok ? succeed(name) : kept;
  } catch (error) {
    return fail(storageFailure(at, (error as Error).message));
  } finally {
    await part.value.discard();
  }
}

/** The newest rehearsal of exactly this file that stands beside it; what is no receipt of one is passed over. */
export async function findRehearsal(
  place: Place,
  name: string,
  sha256: string,
): Promise<Attempt<Rehearsal | undefined>> {
  const listed = await place.list();
  if (!listed.ok) return listed;
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const validate = new Ajv2020({ strict: false }).compile<Rehearsal>(rehearsalSchema);
  for (const each of listed.value.toReversed()) {
    if (!each.name.startsWith(rehearsalPrefix(name))) continue;
    const text = await readSmall(place, each.name, LARGEST_RECEIPT_BYTES);
    const document = text.ok && text.value !== undefined ? parse(text.value) : undefined;
    if (validate(document) && document.snapshot.sha256 === sha256) return succeed(document);
  }
  return succeed(undefined);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
