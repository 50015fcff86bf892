// A snapshot that nobody has restored for a try is no way back: the rehearsal before a restore.
import type { Held } from '../engine/hold.ts';
import type { BroughtSnapshot } from '../engine/snapshot/bring.ts';
import type { Failure } from '../failure.ts';
import type { Place } from '../storage/place.ts';
import type { Io } from './io.ts';

export interface RehearsalWork {
  place: Place;
  name: string;
  snapshot: BroughtSnapshot;
  limitSeconds: number;
  io: Io;
}

/** On `host`, unless a receipt of that stands beside it. */
export async function rehearseOn(
  { place, name, snapshot, limitSeconds, io }: RehearsalWork,
  held: Held,
  host: string,
): Promise<Failure[]> {
  const [{ findRehearsal, keepRehearsal }, { rehearse }, { controllerHome }, { escapeForTerminal }] = await Promise.all(
    [
      import('../engine/snapshot/rehearsal-file.ts'),
      import('../engine/snapshot/rehearse.ts'),
      import('../engine/places.ts'),
      import('../report/escape.ts'),
    ],
  );
  const say = (sentence: string) => void io.stderr.write(`${escapeForTerminal(`${name}: ${sentence}`)}\n`);
  const found = await findRehearsal(place, name, snapshot.snapshot.sha256);
  if (!found.ok) return found.failures;
  if (found.value) {
    say(`was rehearsed on ${found.value.host} at ${found.value.time}, in ${found.value.seconds.total} s`);
    return [];
  }
  const { live } = held;
  const rehearsed = await rehearse({
    snapshot,
    path: snapshot.path,
    name,
    session: live.connections.sessions.get(host)!,
    pillar: live.loaded.pillars.of(host).data,
    run: live.run,
    directory: undefined,
    signal: live.kill,
    limitSeconds,
    seconds: {},
    say,
    onProgress: () => {},
  });
  if (!rehearsed.ok) return rehearsed.failures;
  say(`is rehearsed: ${rehearsed.value.keys} keys served on ${host} after ${rehearsed.value.seconds.total} s`);
  const kept = await keepRehearsal(place, `${controllerHome(io.env)}/snapshots`, rehearsed.value, live.kill);
  // It was rehearsed; that it cannot be written down is told, and no reason to leave a cluster down.
  if (!kept.ok) say(`its receipt could not be kept: ${kept.failures[0]!.message}`);
  return [];
}
