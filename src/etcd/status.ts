// What a member says of itself: `etcdctl endpoint status -w json`, of etcd 3.4, 3.5 and 3.6.
import { fieldsOf, parseAnswer } from './json.ts';

/**
 * One endpoint's answer. The fields are those of StatusResponse and ResponseHeader in etcd's api/etcdserverpb/rpc.proto;
 * Go leaves out a field that is zero, so an absent number is 0.
 */
export interface MemberStatus {
  endpoint: string;
  /** It knows a leader, so a quorum stands behind it. */
  healthy: boolean;
  /** It is the leader. */
  leader: boolean;
  /** Ids in hexadecimal, as etcdctl prints them elsewhere. */
  memberId: string;
  clusterId: string;
  /** Absent while the member knows of none. */
  leaderId?: string;
  version: string;
  /** Only from 3.6 on. */
  storageVersion?: string;
  learner: boolean;
  /** Bytes of the file. */
  dbSize: number;
  /** Bytes of it that hold something; the rest is what a defragmentation gives back. */
  dbSizeInUse: number;
  /** Bytes, the quota it runs with; only from 3.6 on. */
  dbSizeQuota?: number;
  revision: number;
  raftTerm: number;
  raftIndex: number;
  raftAppliedIndex: number;
  /** `etcdserver: no leader`, and the alarms of the whole cluster (every member lists all), in etcd's own words. */
  errors: string[];
}

/**
 * The status of the first endpoint that answered; undefined where none did (etcdctl then prints `null` or nothing) or
 * where the text is not a status.
 */
export function parseEndpointStatus(text: string): MemberStatus | undefined {
  const document = parseAnswer(text);
  const entry = Array.isArray(document) ? fieldsOf(document[0]) : undefined;
  const status = fieldsOf(entry?.Status);
  const header = fieldsOf(status?.header);
  if (!entry || !status || !header) return undefined;

  const memberId = header.member_id;
  const clusterId = header.cluster_id;
  if (typeof memberId !== 'string' || typeof clusterId !== 'string') return undefined;
  // 0 means that it knows of none (raft's None).
  const leaderId = typeof status.leader === 'string' && status.leader !== '0' ? status.leader : undefined;
  const errors = Array.isArray(status.errors) ? status.errors.map(String) : [];
  return {
    endpoint: textOf(entry.Endpoint),
    healthy: leaderId !== undefined,
    leader: leaderId === memberId,
    memberId,
    clusterId,
    ...(leaderId === undefined ? {} : { leaderId }),
    version: textOf(status.version),
    ...(typeof status.storageVersion === 'string' ? { storageVersion: status.storageVersion } : {}),
    learner: status.isLearner === true,
    dbSize: numberOf(status.dbSize),
    dbSizeInUse: numberOf(status.dbSizeInUse),
    ...(typeof status.dbSizeQuota === 'number' ? { dbSizeQuota: status.dbSizeQuota } : {}),
    revision: numberOf(header.revision),
    raftTerm: numberOf(status.raftTerm),
    raftIndex: numberOf(status.raftIndex),
    raftAppliedIndex: numberOf(status.raftAppliedIndex),
    errors,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
