// Asking hosts how they are: once, or again and again over connections that stay open. Every wait has its limit.
import type { DeclaredMember, SeenHost } from '../../etcd/diagnosis/seen.ts';
import { statusOf } from '../../etcd/diagnosis/standing.ts';
import type { Failure } from '../../failure.ts';
import type { ApplySession } from '../../transport/session.ts';
import { clustersOf, type EtcdCluster, memberPillar } from '../clusters.ts';
import { type Connect, inParallel } from '../connections.ts';
import { declaredMember } from '../declared.ts';
import type { Scope } from '../load.ts';
import { lacksRevision, parseHash, parseStatus } from './parse.ts';
import { hashProgram, type StatusPaths, statusPaths, statusProgram } from './program.ts';

/** What a host said at one moment of its member of one cluster. */
export interface Sighting {
  cluster: string;
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
  /**
   * One round over `hosts`, one program each whatever it is a member of; never throws, and never waits longer than its
   * limits. One sighting for each of their members.
   */
  ask(hosts: readonly string[], told?: (host: string) => void): Promise<Sighting[]>;
  /**
   * Adds each member's hash, by a second program on its host: at the highest revision of its cluster, which each of its
   * members must have by then; where one of them knows no leader, at the lowest, which each has.
   */
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

  async function askHost(host: string): Promise<Sighting[]> {
    const members = clustersOf(scope, host).map((cluster) => memberOf(scope, host, cluster));
    const session = await sessionOf(host);
    const at = () => new Date();
    if ('reason' in session) {
      return members.map(({ cluster, declared }) => ({
        cluster,
        seen: { host, declared, failure: session },
        at: at(),
        programs: 0,
      }));
    }
    const sent = Date.now();
    let answered: number | undefined;
    const { answers, failure } = await session.read(statusProgram(members.map(({ paths }) => paths)), {
      signal: options.signal,
      limitMs,
      onAnswer({ id }) {
        if (id === 'clock') answered = Date.now();
      },
    });
    return members.map(({ cluster, declared, paths }) => {
      const told = parseStatus(answers, paths, answered === undefined ? undefined : { sent, answered });
      const seen = { host, declared, ...told, ...(failure ? { failure } : {}) };
      return { cluster, seen, at: at(), programs: session.programs };
    });
  }

  async function hashOf(sighting: Sighting, revision: number, behindBarrier: boolean): Promise<Sighting> {
    const { cluster, seen } = sighting;
    const { host } = seen;
    const session = sessions.get(host);
    if (!session || !statusOf(sighting.seen)) return sighting;
    const member = clustersOf(scope, host).find(({ name }) => name === cluster)!;
    const program = hashProgram(memberOf(scope, host, member).paths, revision, behindBarrier);
    const { answers } = await session.read(program, { signal: options.signal, limitMs: HASH_LIMIT_MS });
    const answer = answers.find(({ id }) => id === 'hash');
    const hash = parseHash(answer, revision);
    const told = { ...(hash ? { hash } : {}), ...(behindBarrier && lacksRevision(answer) ? { lacks: revision } : {}) };
    return { ...sighting, seen: { ...sighting.seen, ...told }, programs: session.programs };
  }

  return {
    async ask(hosts, told) {
      const sightings = new Map<string, Sighting[]>();
      await inParallel(hosts, options.parallel, async (host) => {
        sightings.set(host, await askHost(host));
        told?.(host);
      });
      return hosts.flatMap((host) => sightings.get(host)!);
    },
    async addHashes(sightings) {
      const byCluster = Map.groupBy(sightings, ({ seen }) => statusOf(seen)?.clusterId);
      const hashIn = (sighting: Sighting) => {
        const members = byCluster.get(statusOf(sighting.seen)?.clusterId)!.flatMap(({ seen }) => statusOf(seen) ?? []);
        const revisions = members.map(({ revision }) => revision);
        const allFollow = members.every(({ healthy }) => healthy);
        return hashOf(sighting, allFollow ? Math.max(...revisions) : Math.min(...revisions), allFollow);
      };
      const hashed = new Map<Sighting, Sighting>();
      // A host's connection runs one program at a time, also where it has two members.
      const byHost = Map.groupBy(sightings, ({ seen }) => seen.host);
      await Promise.all(
        [...byHost.values()].map(async (ofOne) => {
          for (const sighting of ofOne) hashed.set(sighting, await hashIn(sighting));
        }),
      );
      return sightings.map((sighting) => hashed.get(sighting)!);
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

function memberOf(
  scope: Scope,
  host: string,
  cluster: EtcdCluster,
): { cluster: string; declared: DeclaredMember; paths: StatusPaths } {
  const pillar = memberPillar(scope, host, cluster);
  const number = (key: string) => pillar[key] as number;
  const others = clustersOf(scope, host).filter(({ name }) => name !== cluster.name);
  const paths = statusPaths(
    cluster,
    pillar,
    others.map((other) => memberPillar(scope, host, other).etcd_data_dir as string),
  );
  const { name, peerUrl } = declaredMember(scope, host, cluster);
  return {
    cluster: cluster.name,
    paths,
    declared: {
      name,
      peerUrl,
      service: cluster.service,
      clientPort: paths.clientPort,
      dataDir: paths.dataDir,
      quota: number('etcd_quota_backend_bytes'),
      minFree: number('etcd_min_free_bytes'),
      maxSkew: number('etcd_max_clock_skew'),
      renewDays: number('etcd_pki_renew_days'),
    },
  };
}
