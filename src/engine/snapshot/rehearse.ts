// A rehearsal: a proved snapshot restored on a host into a member that nobody else can reach, counted, and taken away again.
import { accessOf } from '../../etcd/etcdctl.sh.ts';
import { type Program, parsePrograms } from '../../etcd/programs.sh.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import {
  compareRestored,
  countedPrefixes,
  isComparable,
  ownCounts,
  type Rehearsal,
  type Restored,
} from '../../etcd/snapshot/rehearsal.ts';
import { compareVersions, minorOf } from '../../etcd/versions.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import { openHostDirectory } from '../../storage/host.ts';
import type { ApplySession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { HOST_HOME } from '../places.ts';
import { parseHash } from '../status/parse.ts';
import type { FetchedSnapshot } from './fetch.ts';
import {
  canaryScript,
  clearScript,
  countScript,
  followScript,
  hashScript,
  prepareScript,
  superviseScript,
} from './rehearsal.sh.ts';

export interface RehearseOptions {
  /** Proved on this machine. */
  snapshot: FetchedSnapshot;
  path: string;
  name: string;
  session: ApplySession;
  pillar: ValueMap;
  run: string;
  /** On the host, in place of {@link HOST_HOME}. */
  directory?: string | undefined;
  signal: AbortSignal;
  /** For all that the host does after it has the file. */
  limitSeconds: number;
  /** Of what was done before, here. */
  seconds: { [phase: string]: number };
  say(sentence: string): void;
  onProgress(what: string, done: number, total: number): void;
}

const PROGRAM_LIMIT_MS = 60_000;
const PREFIXES_AT_ONCE = 25;
const ASK_SECONDS = 60;

export async function rehearse(options: RehearseOptions): Promise<Attempt<Rehearsal>> {
  const { session, directory = HOST_HOME, run } = options;
  const parent = `${directory.replace(/\/+$/, '')}/rehearsals`;
  const folder = `${parent}/${run}`;
  const host = createHost(options);
  session.atExit(clearScript(folder));
  const attempt = await rehearseIn(options, host, parent, folder);
  const cleared = await host.write(clearScript(folder));
  if (cleared.ok && cleared.value.status !== 0 && attempt.ok) {
    const next = `end what runs in it, then remove it`;
    return fail({ reason: 'script', host: session.host, message: `${folder} could not be taken away`, next });
  }
  return attempt;
}

async function rehearseIn(
  options: RehearseOptions,
  host: RehearsalHost,
  parent: string,
  folder: string,
): Promise<Attempt<Rehearsal>> {
  const { snapshot, path, session, signal, limitSeconds, say } = options;
  const { size, sha256, content } = snapshot.snapshot;
  const seconds = { ...options.seconds };
  const clock = createClock(seconds);
  const found = await prepare(options, host, parent);
  if (!found.ok) return found;
  const { etcd, etcdctl, tool } = found.value;

  const place = openHostDirectory({ session, directory: folder, signal, cleaned: true });
  const onProgress = (done: number, total: number) => options.onProgress(`to ${session.host}`, done, total);
  const sent = await place.put('snapshot.db', path, { signal, onProgress });
  if (!sent.ok) return sent;
  clock('send');

  say(`${session.host} restores it with ${tool.name} ${tool.version}`);
  const begun = await host.write(superviseScript({ folder, etcd: etcd.path, tool: tool.path, sha256, limitSeconds }));
  if (!begun.ok) return begun;
  if (begun.value.status !== 0) return fail(host.failed(`the rehearsal could not be begun: ${begun.value.stderr}`));
  const served = await follow(options, host, folder, etcdctl.path, clock);
  if (!served.ok) return served;

  const counted = await count(options, host, folder, etcdctl.path, clock);
  if (!counted.ok) return counted;
  const restored = counted.value;
  const wrong = compareRestored(content, restored, snapshot.receipt);
  if (wrong.length > 0) {
    const message = `what an etcd serves after restoring ${options.name} is not what is in it\n${wrong.join('\n')}`;
    const next = 'nothing may be restored from it: take another snapshot, and keep this one for whoever mends etcd';
    return fail({ reason: 'snapshot', host: session.host, message, next });
  }
  const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
  return succeed({
    schema: 1,
    snapshot: { name: options.name, size, sha256, revision: content.revision },
    cluster: snapshot.receipt?.cluster ?? null,
    time: new Date(Math.floor(Date.now() / 1000) * 1000).toISOString(),
    host: session.host,
    etcdVersion: etcd.version,
    tool: `${tool.name} ${tool.version}`,
    keys: restored.keys,
    prefixes: Object.fromEntries(restored.prefixes),
    canary: restored.canary !== undefined,
    hash: { ...restored.hash, compared: isComparable(restored, snapshot.receipt?.compared) },
    seconds: { ...seconds, total: round(total) },
  });
}

/** Adds the seconds since the last call, or since it was made, as the phase that has just ended. */
function createClock(seconds: { [phase: string]: number }): (phase: string) => void {
  let last = performance.now();
  return (phase) => {
    const now = performance.now();
    seconds[phase] = round((now - last) / 1000);
    last = now;
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

interface Tools {
  etcd: Program;
  etcdctl: Program;
  /** With which a snapshot of that minor version is restored. */
  tool: Program & { name: 'etcdctl' | 'etcdutl' };
}

async function prepare(options: RehearseOptions, host: RehearsalHost, parent: string): Promise<Attempt<Tools>> {
  const { pillar, run, snapshot, session } = options;
  const access = accessOf(pillar);
  if (!access) return fail(host.refused('the pillar does not say where its etcd is', 'set etcd_bin_dir for it'));
  const size = snapshot.snapshot.size;
  const ran = await host.write(prepareScript({ access, parent, run, size }));
  if (!ran.ok) return ran;
  const { status, stdout, stderr } = ran.value;
  if (status === 3) {
    const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
    const free = mib(Number(stderr.split('\n').at(-1)) * 1024);
    const message = `${parent} has ${free} free, too little for a copy of the snapshot (${mib(size)}) and what is restored from it`;
    return fail(host.refused(message, 'give a directory on a larger disk with --in, or another host with --on'));
  }
  if (status === 4)
    return fail(host.refused(`${parent} is within the member's data directory`, 'give another directory with --in'));
  if (status !== 0) return fail(host.failed(`no directory for the rehearsal: ${stderr || `status ${status}`}`));
  const programs = parsePrograms(stdout.split('\n'));
  return chooseTools(options, programs, (message, next) => host.refused(message, next), session.host);
}

/** The snapshot's own minor version: by its receipt, else by what its cluster had agreed on. */
function chooseTools(
  { snapshot, pillar }: RehearseOptions,
  programs: ReadonlyMap<string, Program>,
  refused: (message: string, next: string) => Failure,
  host: string,
): Attempt<Tools> {
  const etcd = programs.get('etcd');
  const there = `put etcd's programs into etcd_bin_dir (${String(pillar.etcd_bin_dir)}) there, or name another host with --on`;
  if (!etcd) return fail(refused(`${host} has no etcd`, there));
  const of = snapshot.receipt?.etcdVersion ?? snapshot.snapshot.content.clusterVersion ?? etcd.version;
  if (minorOf(etcd.version) !== minorOf(of)) {
    const message = `the snapshot is of etcd ${minorOf(of)}, and ${host} has etcd ${etcd.version}`;
    return fail(refused(message, `rehearse it with the version that would be restored: ${there}`));
  }
  const name = compareVersions(of, '3.5.0') < 0 ? 'etcdctl' : 'etcdutl';
  for (const needed of new Set([name, 'etcdctl'] as const)) {
    const program = programs.get(needed);
    if (!program) return fail(refused(`${host} has no ${needed}, which etcd ${minorOf(of)} needs for this`, there));
    if (minorOf(program.version) !== minorOf(of)) {
      return fail(refused(`etcd is ${etcd.version}, and the ${needed} of ${host} is ${program.version}`, there));
    }
  }
  return succeed({ etcd, etcdctl: programs.get('etcdctl')!, tool: { ...programs.get(name)!, name } });
}

const PHASES: { readonly [state: string]: string } = { restoring: 'restore', starting: 'start' };

async function follow(
  { session, signal, limitSeconds, name }: RehearseOptions,
  host: RehearsalHost,
  folder: string,
  etcdctl: string,
  clock: (phase: string) => void,
): Promise<Attempt<undefined>> {
  // The host keeps its own time; this is for one whose watch is gone.
  const until = performance.now() + limitSeconds * 1000 + PROGRAM_LIMIT_MS;
  for (let known = 'restoring'; ; ) {
    const asked = await host.read(followScript(folder, etcdctl, known));
    if (!asked.ok) return asked;
    if (signal.aborted) return fail({ reason: 'interrupted', message: 'the rehearsal was interrupted' });
    const [state = '', ...said] = asked.value.stdout.trimEnd().split('\n');
    if (state === 'gone' || performance.now() > until) {
      const next = `give it longer with --rehearse-limit (${limitSeconds} s now)`;
      return fail({
        reason: 'script',
        host: session.host,
        message: 'the rehearsal took too long, and was ended',
        next,
      });
    }
    const [, failed] = /^failed (\w+)$/.exec(state) ?? [];
    if (failed !== undefined) {
      const what =
        failed === 'restore' ? `${name} cannot be restored` : `no etcd starts from what ${name} was restored to`;
      const next =
        'nothing may be restored from it before this is understood; `quorate snapshot list` shows what else there is';
      return fail({ reason: 'snapshot', host: session.host, message: `${what}: ${said.join('\n')}`, next });
    }
    if (state === known) continue;
    for (const each of Object.keys(PHASES).slice(Object.keys(PHASES).indexOf(known))) {
      if (each === state) break;
      clock(PHASES[each]!);
    }
    known = state;
    if (state === 'serving') return succeed(undefined);
  }
}

async function count(
  { snapshot: { snapshot, receipt } }: RehearseOptions,
  host: RehearsalHost,
  folder: string,
  etcdctl: string,
  clock: (phase: string) => void,
): Promise<Attempt<Restored>> {
  const prefixes = countedPrefixes(snapshot.content);
  const asked = ['', ...prefixes.map((prefix) => `${prefix}/`)];
  const counts: number[] = [];
  for (let from = 0; from < asked.length; from += PREFIXES_AT_ONCE) {
    const some = asked.slice(from, from + PREFIXES_AT_ONCE);
    const ran = await host.read(countScript(folder, etcdctl, some, snapshot.content.revision, ASK_SECONDS));
    if (!ran.ok) return ran;
    const lines = ran.value.stdout.trim().split('\n').map(Number);
    if (ran.value.status !== 0 || lines.length !== some.length || !lines.every(Number.isSafeInteger))
      return fail(host.failed(`the restored member does not count its keys: ${ran.value.stderr}`));
    counts.push(...lines);
  }
  const canary = await host.read(canaryScript(folder, etcdctl));
  if (!canary.ok) return canary;
  const told = parseCanary(canary.value.stdout);
  if (canary.value.status !== 0 || !told)
    return fail(host.failed(`the restored member does not give ${CANARY_KEY}: ${canary.value.stderr}`));
  clock('count');
  const revision = receipt?.compared?.revision ?? snapshot.content.revision;
  const hashed = await host.read(hashScript(folder, etcdctl, revision, host.limitSeconds), host.limitSeconds);
  if (!hashed.ok) return hashed;
  const hash = parseHash(hashed.value.answer, revision);
  if (!hash) return fail(host.failed(`the restored member gives no hash of its data: ${hashed.value.stderr}`));
  clock('hash');
  return succeed({
    ...told,
    keys: counts[0]!,
    prefixes: ownCounts(new Map(prefixes.map((prefix, index) => [prefix, counts[index + 1]!]))),
    hash: { revision, compacted: Math.max(0, hash.compactRevision), hash: String(hash.hash) },
  });
}

function parseCanary(text: string): { revision: number; canary?: string } | undefined {
  try {
    const { header, kvs } = JSON.parse(text) as { header: { revision: number }; kvs?: { value?: string }[] };
    const value = kvs?.[0]?.value;
    return {
      revision: Number(header.revision),
      ...(value === undefined ? {} : { canary: Buffer.from(value, 'base64').toString() }),
    };
  } catch {
    return undefined;
  }
}

type RehearsalHost = ReturnType<typeof createHost>;

/** The host's programs, one at a time, and its failures. */
function createHost({ session, signal, limitSeconds }: RehearseOptions) {
  async function run(kind: 'read' | 'write', script: string, seconds = 0) {
    const limits = { signal, limitMs: PROGRAM_LIMIT_MS + seconds * 1000 };
    const parts = [{ id: 'rehearsal', script }];
    const { answers, failure } =
      kind === 'read' ? await session.read({ kind, parts }, limits) : await session.write({ kind, parts }, limits);
    if (failure) return fail(failure);
    const answer = answers[0]!;
    const { status, stdout, stderr } = answer;
    return succeed({ answer, status, stdout: stdout.toString(), stderr: stderr.trim() });
  }
  return {
    limitSeconds,
    read: (script: string, seconds?: number) => run('read', script, seconds),
    write: (script: string) => run('write', script),
    failed: (message: string): Failure => ({ reason: 'script', host: session.host, message }),
    refused: (message: string, next: string): Failure => ({ reason: 'guard', host: session.host, message, next }),
  };
}
