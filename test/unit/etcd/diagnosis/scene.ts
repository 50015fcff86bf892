// A healthy cluster of three as `status` sees it, and ways to spoil it: each test says only what is different.
import { type Diagnosis, diagnose } from '../../../../src/etcd/diagnosis/diagnose.ts';
import type { SeenCertificate, SeenHost } from '../../../../src/etcd/diagnosis/seen.ts';
import type { ListedMember } from '../../../../src/etcd/members.ts';
import type { MemberStatus } from '../../../../src/etcd/status.ts';

export const NOW = new Date('2030-01-01T00:00:00Z');
export const CLUSTER = 'cdf818194e3a8c32';
const DAY = 86_400_000;
const IDS = ['8211f1d0f64f3269', '91bc3c398fb3c146', 'fd422379fda50e48', 'a1b2c3d4e5f60718', 'b2c3d4e5f6071829'];

export function listed(at: number, more: Partial<ListedMember> = {}): ListedMember {
  const name = `m${at}`;
  return {
    id: IDS[at - 1]!,
    name,
    peerUrls: [`https://10.0.0.${at}:2380`],
    started: true,
    learner: false,
    ...more,
  };
}

export function status(at: number, more: Partial<MemberStatus> = {}): MemberStatus {
  return {
    endpoint: 'https://127.0.0.1:2379',
    healthy: true,
    leader: at === 1,
    memberId: IDS[at - 1]!,
    clusterId: CLUSTER,
    leaderId: IDS[0]!,
    version: '3.5.30',
    learner: false,
    dbSize: 20 * 1024 ** 2,
    dbSizeInUse: 18 * 1024 ** 2,
    revision: 4711,
    raftTerm: 7,
    raftIndex: 5000,
    raftAppliedIndex: 5000,
    errors: [],
    ...more,
  };
}

/** A status without a leader: what is left when the quorum is gone. */
export function leaderless(at: number, more: Partial<MemberStatus> = {}): Partial<SeenHost> {
  const { leaderId: _gone, ...rest } = status(at, {
    healthy: false,
    leader: false,
    errors: ['etcdserver: no leader'],
    ...more,
  });
  return { member: { state: 'answered', status: rest }, list: undefined } as unknown as Partial<SeenHost>;
}

/** Valid from `begins` to `days` from now on, in days. */
export function certificate(name: string, days: number, begins = -100): SeenCertificate {
  const notAfter = NOW.getTime() + days * DAY;
  return {
    file: `/etc/kubernetes/pki/etcd/${name}.crt`,
    state: 'read',
    certificates: [{ commonName: name, notBefore: NOW.getTime() + begins * DAY, notAfter }],
  };
}

/** The declared host mN, whose member serves. */
export function host(at: number, voters = 3, more: Partial<SeenHost> = {}): SeenHost {
  const seen: SeenHost = {
    host: `m${at}`,
    declared: {
      name: `m${at}`,
      peerUrl: `https://10.0.0.${at}:2380`,
      service: 'etcd',
      clientPort: 2379,
      dataDir: '/var/lib/etcd',
      quota: 2 * 1024 ** 3,
      minFree: 2 * 1024 ** 3,
      maxSkew: 1,
      renewDays: 30,
    },
    clock: { offset: 0, uncertainty: 20 },
    processes: [{ pid: 100, state: 'S' }],
    runtime: { kind: 'systemd', loaded: true, active: 'active', sub: 'running', result: 'success', restarts: 0 },
    member: { state: 'answered', status: status(at) },
    list: Array.from({ length: voters }, (_none, index) => listed(index + 1)),
    certificates: [certificate('ca', 3650), certificate('server', 364)],
    data: { member: true, free: 50 * 1024 ** 3 },
    ...more,
  };
  return Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined)) as unknown as SeenHost;
}

/** By number of the host, what is different there. */
export interface Spoiled {
  [at: number]: Partial<SeenHost>;
}

export const DOWN: Partial<SeenHost> = {
  member: { state: 'closed' },
  processes: [],
  runtime: { kind: 'systemd', loaded: true, active: 'failed', sub: 'failed', result: 'exit-code', restarts: 3 },
  list: undefined as never,
};

/** Nothing of the host is known but why. */
export function unreachable(at: number): Partial<SeenHost> {
  const nothing = { clock: undefined, processes: undefined, runtime: undefined, member: undefined, list: undefined };
  return {
    ...nothing,
    certificates: undefined,
    data: undefined,
    failure: {
      reason: 'unreachable',
      host: `m${at}`,
      message: 'no route to host (after 10 s)',
      next: 'check the host',
    },
  } as unknown as Partial<SeenHost>;
}

export function look(spoiled: Spoiled = {}, size = 3): Diagnosis {
  const hosts = Array.from({ length: size }, (_none, index) => host(index + 1, size, spoiled[index + 1]));
  return diagnose({ name: 'main', hosts }, NOW);
}

/** `severity kind` of each finding. */
export function kinds({ findings }: Diagnosis): string[] {
  return findings.map(({ severity, kind }) => `${severity} ${kind}`);
}

/** What is different from a healthy cluster, and what is said about it. */
export interface Case {
  what: string;
  spoiled: Spoiled;
  size?: number;
  found: string[];
  says?: RegExp;
  sums?: string;
}

export const answered = (at: number, more: Parameters<typeof status>[1]): Partial<SeenHost> => ({
  member: { state: 'answered', status: status(at, more) },
});
export const lists = (list: SeenHost['list']): Spoiled => ({
  1: { list: list! },
  2: { list: list! },
  3: { list: list! },
});
export const SILENT: Partial<SeenHost> = { member: { state: 'silent', said: 'context deadline exceeded' } };
export const NO_LIST = { list: undefined } as unknown as Partial<SeenHost>;
export const LEDGER = { cluster: 'main', clusterId: 'beef', members: [], at: '' };
