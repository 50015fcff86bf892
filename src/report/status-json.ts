// The JSON document of `status`; described in schemas/status.schema.json.

import { daysLeft } from '../etcd/diagnosis/certificates.ts';
import { type Diagnosis, judge, type Verdict } from '../etcd/diagnosis/diagnose.ts';
import type { Finding } from '../etcd/diagnosis/finding.ts';
import { lagOf } from '../etcd/diagnosis/membership.ts';
import type { SeenCertificate, SeenHost } from '../etcd/diagnosis/seen.ts';
import { nameOf } from '../etcd/diagnosis/service.ts';
import { quotaOf } from '../etcd/diagnosis/shortages.ts';
import type { Standing, Standings } from '../etcd/diagnosis/standing.ts';
import { toleranceOf } from '../etcd/quorum.ts';
import type { MemberStatus } from '../etcd/status.ts';
import { toFailure } from './json.ts';

/** What is known of a host beside what it said. */
export interface HostFigures {
  at: Date;
  programs: number;
}

/** Plain data, ready for JSON.stringify; what is not known is absent. */
export function toStatusJson(diagnoses: readonly Diagnosis[], figures: ReadonlyMap<string, HostFigures>, now: Date) {
  const verdict: Verdict = judge(diagnoses.flatMap(({ findings }) => findings));
  return {
    schema: 1,
    at: now.toISOString(),
    verdict,
    clusters: diagnoses.map(({ standings, findings }) => toCluster(standings, findings, figures, now)),
  };
}

function toCluster(
  standings: Standings,
  findings: readonly Finding[],
  figures: ReadonlyMap<string, HostFigures>,
  now: Date,
) {
  const { cluster, clusterId, members, voters, votersFrom, healthy, quorum, serves } = standings;
  const leader = members.find((member) => member.leader);
  return {
    name: cluster.name,
    verdict: judge(findings),
    serves,
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(leader ? { leader: nameOf(leader) } : {}),
    voters,
    votersFrom,
    healthy,
    quorum,
    tolerance: toleranceOf(voters, healthy),
    members: members.map((member) => ({
      ...toMember(member, standings),
      ...(member.seen ? toHost(member.seen, figures.get(member.seen.host), now) : {}),
    })),
    findings: findings.map(({ kind, severity, message, next, hosts }) => ({ kind, severity, message, next, hosts })),
  };
}

function toMember(member: Standing, standings: Standings) {
  const { host, seen, status, listed, state, leader, voter } = member;
  const lag = lagOf(member, standings);
  const memberId = status?.memberId ?? listed?.id;
  return {
    ...(host === undefined ? {} : { host }),
    name: listed?.name || seen?.declared.name || '',
    state,
    leader,
    voter,
    learner: status?.learner || listed?.learner || false,
    ...(memberId === undefined ? {} : { memberId }),
    ...(listed ? { peerUrls: listed.peerUrls } : {}),
    ...(status && seen ? { status: toStatus(status, seen, lag) } : {}),
  };
}

function toStatus(status: MemberStatus, seen: SeenHost, lag: number | undefined) {
  return {
    clusterId: status.clusterId,
    version: status.version,
    dbSize: status.dbSize,
    dbSizeInUse: status.dbSizeInUse,
    quota: quotaOf(seen),
    revision: status.revision,
    raftTerm: status.raftTerm,
    raftIndex: status.raftIndex,
    raftAppliedIndex: status.raftAppliedIndex,
    ...(lag === undefined ? {} : { lag }),
    errors: status.errors,
  };
}

function toHost(seen: SeenHost, figures: HostFigures | undefined, now: Date) {
  const { failure, clock, processes, runtime, data, certificates, hash } = seen;
  return {
    ...(figures ? { programs: figures.programs, age: Math.max(0, now.getTime() - figures.at.getTime()) } : {}),
    ...(failure ? { failure: toFailure(failure) } : {}),
    ...(processes ? { processes: processes.map(({ pid, state }) => ({ pid, state })) } : {}),
    ...(runtime ? { runtime: { ...runtime } } : {}),
    ...(data ? { data: { ...data } } : {}),
    ...(clock ? { clock: { offset: clock.offset, uncertainty: clock.uncertainty } } : {}),
    ...(certificates ? { certificates: certificates.map((file) => toCertificate(file, now)) } : {}),
    ...(hash ? { hash: { ...hash } } : {}),
  };
}

function toCertificate(file: SeenCertificate, now: Date) {
  if (file.state !== 'read') return { file: file.file, state: file.state };
  const first = file.certificates.toSorted((a, b) => a.notAfter - b.notAfter)[0]!;
  return {
    file: file.file,
    state: file.state,
    ...(first.commonName === undefined ? {} : { commonName: first.commonName }),
    notAfter: new Date(first.notAfter).toISOString(),
    daysLeft: Math.floor(daysLeft(file, now)!),
  };
}
