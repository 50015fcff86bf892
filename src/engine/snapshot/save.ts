// A snapshot of a cluster, from the choice of the member to the file and its receipt in their place.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSnapshotName, receiptName } from '../../etcd/snapshot/name.ts';
import { CANARY_KEY, type Receipt } from '../../etcd/snapshot/receipt.ts';
import type { MemberStatus } from '../../etcd/status.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { quote } from '../../shell/quote.ts';
import { openPart, type Part } from '../../storage/part.ts';
import { type Place, storageFailure } from '../../storage/place.ts';
import type { ApplySession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { formatReceipt } from './receipt-file.ts';
import { askMembers, choose, compareData, etcdctlScript, type SurveyOptions } from './survey.ts';
import { takeSnapshot } from './take.ts';
import { verifySnapshot } from './verify.ts';

export interface SaveOptions {
  cluster: string;
  members: readonly string[];
  sessions: ReadonlyMap<string, ApplySession>;
  pillar: (host: string) => ValueMap;
  place: Place;
  run: string;
  /** `$XDG_STATE_HOME/quorate`: where the file is made when its place is not a directory of this machine. */
  home: string;
  signal: AbortSignal;
  limitMs: number;
  /** For the member to give all of it. */
  saveSeconds: number;
  hashkv: boolean;
  canary: boolean;
  /** What happens, a sentence without its full stop. */
  say(sentence: string): void;
  /** Bytes; `what` changes from step to step. */
  onProgress(what: string, done: number, total: number): void;
}

export interface SavedSnapshot {
  url: string;
  name: string;
  receipt: Receipt;
}

export async function saveSnapshot(options: SaveOptions): Promise<Attempt<SavedSnapshot>> {
  const { cluster, members, sessions, pillar, signal, limitMs, say } = options;
  const survey: SurveyOptions = { members, sessions, pillar, signal, limitMs };
  const asked = await askMembers(survey);
  const choice = choose(asked, cluster);
  if (!choice.ok) return choice;
  const { host, status } = choice.value;
  const reached = await reachQuorum(options, sessions.get(host)!, host);
  if (!reached.ok) return reached;
  const { canary, revision } = reached.value;
  const compared = options.hashkv ? await compareData(survey, asked, revision) : succeed(null);
  if (!compared.ok) return compared;
  if (compared.value) say(`${compared.value.hosts.join(' ')} have the same data at revision ${revision}`);

  const directory = options.place.directory ?? join(options.home, 'snapshots');
  const part = await openPart(directory);
  if (!part.ok) return part;
  try {
    const room = await checkRoom(directory, status.dbSize);
    if (!room.ok) return room;
    // Names have whole seconds, and the receipt says the same.
    const time = new Date(Math.floor(Date.now() / 1000) * 1000);
    say(`${host}, ${status.leader ? 'the leader' : 'a follower'}, gives the snapshot`);
    const taken = await takeSnapshot({
      session: sessions.get(host)!,
      pillar: pillar(host),
      run: `${options.run}-${cluster}`,
      signal,
      limitSeconds: options.saveSeconds,
      expected: status.dbSize,
      version: status.version,
      take: part.value.write,
      onProgress: (done, total) => options.onProgress(`from ${host}`, done, total),
    });
    if (!taken.ok) return taken;
    const receipt = await prove(options, part.value, {
      host,
      status,
      time,
      least: revision,
      canary,
      compared: compared.value,
    });
    if (!receipt.ok) return receipt;
    return await keep(options, part.value, receipt.value);
  } finally {
    await part.value.discard();
  }
}

type Canary = { value: string; revision: number };

/** The same canary as often as it takes: writing it twice is as good as once. */
const CANARY_TRIES = 3;

/** Writes the canary, or without one reads through the leader: a member that is cut off could not do either. */
async function reachQuorum(
  options: SaveOptions,
  session: ApplySession,
  host: string,
): Promise<Attempt<{ canary: Canary | null; revision: number }>> {
  const value = JSON.stringify({ run: options.run, cluster: options.cluster });
  const limits = { signal: options.signal, limitMs: options.limitMs };
  const call = options.canary
    ? `put ${quote(CANARY_KEY)} ${quote(value)} -w json`
    : `get ${quote(CANARY_KEY)} --keys-only -w json`;
  const script = `${etcdctlScript(options.pillar(host))}
q_tries=1
until q_said=$(q_etcdctl 5 "$q_own" ${call}); do
  # A leader that has just gone takes with it what was on its way.
  [ "$q_tries" -lt ${CANARY_TRIES} ] || exit 1
  q_tries=$((q_tries + 1))
  sleep 1
done
printf '%s\\n' "$q_said"`;
  const part = { id: 'canary', script };
  const { answers, failure } = options.canary
    ? await session.write({ kind: 'write', parts: [part] }, limits)
    : await session.read({ kind: 'read', parts: [part] }, limits);
  if (failure) return fail(failure);
  const { status, stdout, stderr } = answers[0]!;
  const revision = Number(/"revision":(\d+)/.exec(stdout.toString())?.[1]);
  if (status === 0 && revision > 0) return succeed({ canary: options.canary ? { value, revision } : null, revision });
  const why = stderr.trim().split('\n').at(-1) ?? '';
  const full = why.includes('database space exceeded');
  return fail({
    reason: full ? 'guard' : 'quorum',
    host,
    message: options.canary
      ? `the canary ${CANARY_KEY} cannot be written: ${why}`
      : `nothing can be read through the leader: ${why}`,
    next: full
      ? 'pass --no-canary: a snapshot can be taken of a full database'
      : 'see what `quorate status` says; without a quorum `quorate restore --from survivor` brings back what a survivor has',
  });
}

const MARGIN = 1.1;

async function checkRoom(directory: string, expected: number): Promise<Attempt<undefined>> {
  const { bavail, bsize } = await statfs(directory);
  const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  if (bavail * bsize >= expected * MARGIN) return succeed(undefined);
  return fail({
    reason: 'guard',
    message: `${directory} on this machine has ${mib(bavail * bsize)} free, and the database is ${mib(expected)} large`,
    next: 'make room there, or give another place with --to',
  });
}

interface Origin {
  host: string;
  status: MemberStatus;
  time: Date;
  /** The cluster was at this revision when the snapshot was begun. */
  least: number;
  canary: Canary | null;
  compared: Receipt['compared'];
}

/** The file is read back whole; what it holds must be what was written just before. */
export async function prove(
  options: Pick<SaveOptions, 'cluster' | 'signal' | 'onProgress'>,
  part: Part,
  origin: Origin,
): Promise<Attempt<Receipt>> {
  const { host, status, time, least, canary, compared } = origin;
  const { signal } = options;
  const onProgress = (done: number, total: number) => options.onProgress('verifying', done, total);
  const verified = await verifySnapshot(part.path, { signal, onProgress });
  if (!verified.ok) return verified;
  const { size, sha256, content } = verified.value;
  const found = content.values.get(CANARY_KEY)?.value.toString();
  const wrong = [
    ...(content.revision < least ? [`it ends at revision ${content.revision}, and the cluster was at ${least}`] : []),
    ...(canary && found !== canary.value
      ? [`the canary in it is ${found ?? 'missing'}, and ${canary.value} was written`]
      : []),
    ...(content.members.some(({ id }) => id === status.memberId) ? [] : [`${host} is not among the members in it`]),
  ];
  if (wrong.length > 0) {
    const next = 'nothing was kept; see what `quorate status` says of that member, then run again';
    return fail({
      reason: 'snapshot',
      host,
      message: `what ${host} gave is not its cluster now: ${wrong.join('; ')}`,
      next,
    });
  }
  return succeed({
    schema: 1,
    cluster: { name: options.cluster, id: status.clusterId },
    time: time.toISOString(),
    member: { host, id: status.memberId },
    etcdVersion: status.version,
    size,
    sha256,
    revision: content.revision,
    compacted: content.compacted,
    keys: content.keys,
    prefixes: content.prefixes,
    canary: canary && { key: CANARY_KEY, ...canary },
    compared,
  });
}

/** The snapshot first: a receipt without its file would promise what is not there. */
export async function keep(
  options: Pick<SaveOptions, 'place' | 'signal' | 'home' | 'onProgress'>,
  part: Part,
  receipt: Receipt,
): Promise<Attempt<SavedSnapshot>> {
  const { place, signal } = options;
  const { cluster, revision, time } = receipt;
  const name = formatSnapshotName({ clusterId: cluster.id, revision, time: new Date(time) });
  const onProgress = (done: number, total: number) => options.onProgress(`to ${place.url}`, done, total);
  const kept =
    place.directory === undefined ? await place.put(name, part.path, { signal, onProgress }) : await part.commit(name);
  if (!kept.ok) return kept;
  const directory = place.directory ?? join(options.home, 'snapshots');
  const beside = await openPart(directory);
  if (!beside.ok) return beside;
  try {
    await beside.value.write(Buffer.from(formatReceipt(receipt)));
    const written =
      place.directory === undefined
        ? await place.put(receiptName(name), beside.value.path, { signal })
        : await beside.value.commit(receiptName(name));
    return written.ok ? succeed({ url: place.url, name, receipt }) : written;
  } catch (error) {
    return fail(storageFailure(directory, (error as Error).message));
  } finally {
    await beside.value.discard();
  }
}
