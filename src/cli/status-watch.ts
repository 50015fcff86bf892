// status --watch: every host is asked on its own, so that one that hangs holds up nobody; the screen shows what is known.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sighting } from '../engine/status/ask.ts';
import { stringifyVisibly } from '../report/escape.ts';
import { renderStatus } from '../report/status.ts';
import { toStatusJson } from '../report/status-json.ts';
import { EXIT } from './exit.ts';
import { useColor } from './print.ts';
import { openScreen } from './screen.ts';
import { diagnoseAll, figuresOf, hostsOf, type StatusView } from './status.ts';

/** A host that hung in the middle is left alone for a while: each look would leave one more hanging process there. */
const AFTER_HANG_MS = 30_000;

/** Until Ctrl-C, which is how a watch is meant to end: exit code 0. */
export async function watch(view: StatusView, seconds: number): Promise<number> {
  const { clusters, options, io, signal } = view;
  const hosts = hostsOf(clusters);
  const latest = new Map<string, Sighting[]>();
  const screen = options.json ? undefined : openScreen(io);
  const draw = async () => {
    const sightings = hosts.flatMap((host) => latest.get(host) ?? []);
    if (sightings.length === 0) return;
    const now = new Date();
    const diagnoses = await diagnoseAll(view, sightings, now);
    if (!screen) {
      io.stdout.write(`${stringifyVisibly(toStatusJson(diagnoses, figuresOf(sightings), now))}\n`);
      return;
    }
    const seenAt = new Map(sightings.map(({ seen, at }) => [seen.host, at]));
    const waiting = hosts.filter((host) => !latest.has(host));
    const text = renderStatus(diagnoses, {
      color: useColor(options, io, io.stdout),
      width: io.stdout.columns || 100,
      now,
      seenAt,
    });
    screen.show(formatTime(now), waiting.length === 0 ? text : `${text}\n\nwaiting for ${waiting.join(', ')}`);
  };
  const followed = Promise.all(hosts.map((host) => follow(view, host, seconds, latest)));
  try {
    // Everybody has had a moment to answer before the first picture.
    for (let wait = 0; latest.size < hosts.length && wait < 20 && !signal.aborted; wait++) await pause(100, signal);
    while (!signal.aborted) {
      await draw();
      await pause(screen?.redraws ? 1000 : seconds * 1000, signal);
    }
  } finally {
    screen?.close();
  }
  await followed;
  return EXIT.done;
}

async function follow(view: StatusView, host: string, seconds: number, latest: Map<string, Sighting[]>): Promise<void> {
  while (!view.signal.aborted) {
    const sightings = await view.asker.ask([host]);
    if (view.signal.aborted) return;
    latest.set(host, sightings);
    const { failure, processes } = sightings[0]!.seen;
    const hung = failure !== undefined && processes !== undefined;
    await pause(Math.max(seconds * 1000, hung ? AFTER_HANG_MS : 0), view.signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Local time, as the operator's clock on the wall. */
function formatTime(now: Date): string {
  return now.toTimeString().slice(0, 8);
}
