// What the members of a cluster say before a snapshot is taken of one of them.
import { setTimeout as sleep } from 'node:timers/promises';

import type { SeenHash } from '../../etcd/diagnosis/seen.ts';
import { accessOf, etcdctlFunctions } from '../../etcd/etcdctl.sh.ts';
import { type AskedMember, type Choice, chooseMember } from '../../etcd/snapshot/choose.ts';
import type { Receipt } from '../../etcd/snapshot/receipt.ts';
import { parseEndpointStatus } from '../../etcd/status.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import type { Answer } from '../../shell/program.ts';
import type { ApplySession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { inParallel } from '../connections.ts';
import { memberStatusScript } from '../member.ts';
import { parseHash } from '../status/parse.ts';

export interface SurveyOptions {
  /** Of the members that are connected, by host. */
  sessions: ReadonlyMap<string, ApplySession>;
  /** All declared ones, in inventory order. */
  members: readonly string[];
  pillar: (host: string) => ValueMap;
  signal: AbortSignal;
  limitMs: number;
}

/** Hashing reads all data of a member. Seconds. */
const HASH_LIMIT_SECONDS = 60;
/** Another member is a moment behind, or compacts a moment later. */
const HASH_TRIES = 10;
const HASH_PAUSE_MS = 500;

/** A cluster that is just electing a leader is waited for: it serves again in a moment. */
export async function askMembers(options: SurveyOptions): Promise<AskedMember[]> {
  const answers = await onEach(options, (pillar) => memberStatusScript(pillar) ?? '');
  return options.members.map((host) => {
    const status = parseEndpointStatus(Buffer.from(answers.get(host)?.stdout ?? []).toString());
    return status ? { host, status } : { host };
  });
}

export function choose(asked: readonly AskedMember[], name: string): Attempt<Extract<Choice, { ok: true }>> {
  const choice = chooseMember(asked);
  if (choice.ok) return succeed(choice);
  const { reason, message, next } = choice;
  return fail({ reason, message: `cluster ${name}: ${message}`, next });
}

/**
 * The members that answer hash all their data at `revision`, which must be one that was just reached through the leader:
 * members whose histories parted later than the revision that is compared would pass for equal (LAB, incident 1).
 */
export async function compareData(
  options: SurveyOptions,
  asked: readonly AskedMember[],
  revision: number,
): Promise<Attempt<NonNullable<Receipt['compared']>>> {
  const hosts = asked.filter(({ status }) => status !== undefined && !status.learner).map(({ host }) => host);
  const script = (pillar: ValueMap) =>
    `${etcdctlScript(pillar)}\nq_etcdctl ${HASH_LIMIT_SECONDS} "$q_own" endpoint hashkv --rev=${revision} -w json`;
  const all = { ...options, members: hosts, limitMs: options.limitMs + HASH_LIMIT_SECONDS * 1000 };
  for (let attempt = 1; ; attempt++) {
    const answers = await onEach(all, script);
    const hashes = new Map<string, SeenHash>();
    for (const host of hosts) {
      const answer = answers.get(host);
      const hash = parseHash(answer, revision);
      if (hash) hashes.set(host, hash);
    }
    // What was forgotten is not hashed: hashes are comparable only where that is the same (etcd, mvcc hashByRev).
    const forgotten = new Set([...hashes.values()].map(({ compactRevision }) => compactRevision));
    const [hash, ...others] = new Set([...hashes.values()].map((each) => each.hash));
    if (forgotten.size === 1 && others.length > 0) return fail(explainDifference(hashes, revision));
    if (forgotten.size === 1 && hashes.size === hosts.length) {
      const [compacted] = forgotten;
      // etcd calls it -1 where nothing was forgotten yet.
      return succeed({ hosts, revision, hash: String(hash), compacted: Math.max(0, compacted!) });
    }
    if (attempt === HASH_TRIES || options.signal.aborted) return fail(explainNoHash(hosts, answers, hashes));
    await sleep(HASH_PAUSE_MS, undefined, { signal: options.signal }).catch(() => {});
  }
}

function explainDifference(hashes: Map<string, SeenHash>, revision: number): Failure {
  const said = [...hashes].map(([host, { hash }]) => `${host} ${hash}`).join(', ');
  return {
    reason: 'guard',
    message: `the members do not have the same data at revision ${revision}, by their hashes: ${said}`,
    next: 'one of them has diverged: find it before anything is restored or removed; --no-hashkv takes a snapshot all the same, which then is that of one member alone',
  };
}

function explainNoHash(hosts: string[], answers: Map<string, Answer>, hashes: Map<string, SeenHash>): Failure {
  const silent = hosts.filter((host) => !hashes.has(host));
  const [first] = silent;
  if (first === undefined) {
    const next = 'run again; --no-hashkv leaves the comparison out';
    return { reason: 'guard', message: 'the members were compacted while their data was compared', next };
  }
  const why = answers.get(first)?.stderr.trim().split('\n').at(-1);
  return {
    reason: 'guard',
    message: `no hash of the data of ${silent.join(' ')} up to what was just written${why ? `: ${why}` : ''}`,
    next: 'such a member is far behind, or its history is another one: see what `quorate status` says; --no-hashkv leaves the comparison out',
  };
}

async function onEach(options: SurveyOptions, script: (pillar: ValueMap) => string): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  await inParallel(options.members, options.members.length, async (host) => {
    const part = { id: 'etcdctl', script: script(options.pillar(host)) };
    const { signal, limitMs } = options;
    const ran = await options.sessions.get(host)?.read({ kind: 'read', parts: [part] }, { signal, limitMs });
    const [answer] = ran?.answers ?? [];
    if (answer) answers.set(host, answer);
  });
  return answers;
}

/** Ends the script with 9 where there is no etcdctl. */
export function etcdctlScript(pillar: ValueMap): string {
  const access = accessOf(pillar);
  // The schema gives each of these keys a default.
  if (!access) throw new Error('the pillar does not say how to reach its etcd');
  return `${etcdctlFunctions(access)}\nq_find_etcdctl || exit 9`;
}
