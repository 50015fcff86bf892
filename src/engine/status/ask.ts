// Asking hosts how they are: once, or again and again over connections that stay open. Every wait has its limit.
import type { DeclaredMember, SeenHost } from '../../etcd/diagnosis/seen.ts';
import { statusOf } from '../../etcd/diagnosis/standing.ts';
import type { Failure } from '../../failure.ts';
import type { ApplySession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { type Connect, inParallel } from '../connections.ts';
import { declaredMember } from '../declared.ts';
import type { Scope } from '../load.ts';
import { parseHash, parseStatus } from './parse.ts';
import { hashProgram, type StatusPaths, statusPaths, statusProgram } from './program.ts';

/** What a host said at one moment. */
export interface Sighting {
  seen: SeenHost;
  /** When the answer, or the failure, was there. */
  at: Date;
  /** Programs run on the host since its connection was opened; 0 where none could be. */
  programs: number;
}

export interface AskOptions {
  connect: Connect;
  parallel: number;
  signal: AbortSignal;
}

/** A hung disk ends here, in milliseconds; everything that does not hang takes a fraction of it. */
const PROGRAM_LIMIT_MS = 15_000;
/** The hash of a large keyspace takes a while, in milliseconds. */
const HASH_LIMIT_MS = 65_000;

export interface StatusAsker {
  /** One round over `hosts`, one program each; never throws, and never waits longer than its limits. */
  ask(hosts: readonly string[], told?: (sighting: Sighting) => void): Promise<Sighting[]>;
  /** Adds each member's hash, at the highest revision that all members of its cluster have: a second program on its host. */
  addHashes(sightings: readonly Sighting[]): Promise<Sighting[]>;
  close(): Promise<void>;
}

export function createStatusAsker(scope: Scope, options: AskOptions): StatusAsker {
  const sessions = new Map<string, ApplySession>();
  const limitMs = Math.min(scope.limits.program, PROGRAM_LIMIT_MS);

  async function sessionOf(host: string): Promise<ApplySession | Failure> {
    const open = sessions.get(host);
    if (open && !open.ended) return open;
    sessions.delete(host);
    const connected = await options.connect(scope.inventory.hosts.get(host)!, options.signal);
    if (!connected.ok) return connected.failure;
    sessions.set(host, connected.session);
    return connected.session;
  }

  async function askHost(host: string): Promise<Sighting> {
    const { declared, paths } = memberOf(scope, host);
    const session = await sessionOf(host);
    if ('reason' in session) return { seen: { host, declared, failure: session }, at: new Date(), programs: 0 };
    const sent = Date.now();
    let answered: number | undefined;
    const { answers, failure } = await session.read(statusProgram(paths), {
      signal: options.signal,
      limitMs,
      onAnswer({ id }) {
        if (id === 'clock') answered = Date.now();
      },
    });
    const told = parseStatus(answers, paths, answered === undefined ? undefined : { sent, answered });
    return {
      seen: { host, declared, ...told, ...(failure ? { failure } : {}) },
      at: new Date(),
      programs: session.programs,
    };
  }

  async function hashOf(sighting: Sighting, revision: number): Promise<Sighting> {
    const { host } = sighting.seen;
    const session = sessions.get(host);
    if (!session || !statusOf(sighting.seen)) return sighting;
    const program = hashProgram(memberOf(scope, host).paths, revision);
    const { answers } = await session.read(program, { signal: options.signal, limitMs: HASH_LIMIT_MS });
    const hash = parseHash(answers, revision);
    return { ...sighting, seen: { ...sighting.seen, ...(hash ? { hash } : {}) }, programs: session.programs };
  }

  return {
    async ask(hosts, told) {
      const sightings = new Map<string, Sighting>();
      await inParallel(hosts, options.parallel, async (host) => {
        const sighting = await askHost(host);
        sightings.set(host, sighting);
        told?.(sighting);
      });
      return hosts.map((host) => sightings.get(host)!);
    },
    async addHashes(sightings) {
      const byCluster = Map.groupBy(sightings, ({ seen }) => statusOf(seen)?.clusterId);
      const revisionOf = ({ seen }: Sighting) =>
        Math.min(...byCluster.get(statusOf(seen)?.clusterId)!.map((other) => statusOf(other.seen)?.revision ?? 0));
      return Promise.all(sightings.map((sighting) => hashOf(sighting, revisionOf(sighting))));
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

function memberOf(scope: Scope, host: string): { declared: DeclaredMember; paths: StatusPaths } {
  const pillar: ValueMap = scope.pillars.of(host).data;
  const number = (key: string) => pillar[key] as number;
  const paths = statusPaths(scope.inventory.hosts.get(host)!.cluster!, pillar);
  const { name, peerUrl } = declaredMember(scope, host);
  return {
    paths,
    declared: {
      name,
      peerUrl,
      clientPort: paths.clientPort,
      dataDir: paths.dataDir,
      quota: number('etcd_quota_backend_bytes'),
      minFree: number('etcd_min_free_bytes'),
      maxSkew: number('etcd_max_clock_skew'),
      renewDays: number('etcd_pki_renew_days'),
    },
  };
}
