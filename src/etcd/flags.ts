// Which flags an etcd has, by its version: etcd does not start with a flag that it does not know.
import { suggest } from '../load/nearest.ts';

/**
 * From the version before the dash on, up to but without the one behind it. Read from `server/embed/config.go`,
 * `server/etcdmain/config.go` and their forerunners in every release of etcd from 3.4.0 to 3.4.45, 3.5.0 to 3.5.33, 3.6.0
 * to 3.6.14, and 3.7.1.
 */
const FLAGS: { [spans: string]: string } = {
  '-': `advertise-client-urls auth-token auto-compaction-mode auto-compaction-retention auto-tls backend-batch-interval
    backend-batch-limit bcrypt-cost cert-file cipher-suites client-cert-allowed-hostname client-cert-auth
    client-crl-file config-file cors data-dir discovery-fallback discovery-srv discovery-srv-name election-timeout
    enable-grpc-gateway enable-pprof force-new-cluster grpc-keepalive-interval grpc-keepalive-min-time
    grpc-keepalive-timeout heartbeat-interval host-whitelist initial-advertise-peer-urls initial-cluster
    initial-cluster-state initial-cluster-token initial-election-tick-advance key-file listen-client-urls
    listen-metrics-urls listen-peer-urls log-level log-outputs logger max-request-bytes max-snapshots max-txn-ops
    max-wals metrics name peer-auto-tls peer-cert-allowed-cn peer-cert-allowed-hostname peer-cert-file
    peer-client-cert-auth peer-crl-file peer-key-file peer-trusted-ca-file pre-vote quota-backend-bytes snapshot-count
    strict-reconfig-check trusted-ca-file version wal-dir`,
  '3.4.10-': 'auth-token-ttl unsafe-no-fsync',
  '3.5.0-': `backend-bbolt-freelist-type client-cert-file client-key-file enable-log-rotation log-rotation-config-json
    peer-client-cert-file peer-client-key-file raft-read-timeout raft-write-timeout self-signed-cert-validity
    socket-reuse-address socket-reuse-port v2-deprecation`,
  '3.4.20-3.5.0 3.5.5-': 'max-concurrent-streams',
  '3.4.25-3.5.0 3.5.8-': 'listen-client-http-urls tls-max-version tls-min-version',
  '3.6.0-': `bootstrap-defrag-threshold-megabytes compact-hash-check-time compaction-batch-limit
    compaction-sleep-interval corrupt-check-time discovery-cacert discovery-cert discovery-dial-timeout
    discovery-endpoints discovery-insecure-skip-tls-verify discovery-insecure-transport discovery-keepalive-time
    discovery-keepalive-timeout discovery-key discovery-password discovery-request-timeout discovery-token
    discovery-user distributed-tracing-address distributed-tracing-instance-id distributed-tracing-sampling-rate
    distributed-tracing-service-name downgrade-check-time enable-distributed-tracing feature-gates log-format
    max-learners memory-mlock peer-skip-client-san-verification snapshot-catchup-entries warning-apply-duration
    warning-unary-request-duration watch-progress-notify-interval`,
  '-3.5.0': 'debug experimental-backend-bbolt-freelist-type log-output log-package-levels',
  '3.4.31-3.5.0': 'next-cluster-version-compatible',
  '-3.6.0': `enable-v2 experimental-enable-v2v3 proxy proxy-dial-timeout proxy-failure-wait proxy-read-timeout
    proxy-refresh-interval proxy-write-timeout`,
  '-3.7.0': `discovery discovery-proxy experimental-compaction-batch-limit experimental-corrupt-check-time
    experimental-enable-lease-checkpoint experimental-initial-corrupt-check
    experimental-peer-skip-client-san-verification`,
  '3.4.11-3.7.0': 'experimental-watch-progress-notify-interval',
  '3.4.16-3.7.0': 'experimental-warning-apply-duration',
  '3.4.20-3.5.0 3.5.2-3.7.0': 'experimental-enable-lease-checkpoint-persist',
  '3.5.0-3.7.0': `experimental-bootstrap-defrag-threshold-megabytes experimental-distributed-tracing-address
    experimental-distributed-tracing-instance-id experimental-distributed-tracing-service-name
    experimental-downgrade-check-time experimental-enable-distributed-tracing experimental-memory-mlock
    experimental-txn-mode-write-with-shared-buffer`,
  '3.5.5-3.7.0': 'experimental-compact-hash-check-enabled experimental-compact-hash-check-time',
  '3.5.11-3.7.0': 'experimental-distributed-tracing-sampling-rate',
  '3.5.14-3.7.0': 'experimental-snapshot-catchup-entries experimental-stop-grpc-service-on-defrag',
  '3.5.16-3.7.0': 'experimental-compaction-sleep-interval',
  '3.6.0-3.7.0': 'experimental-warning-unary-request-duration',
};

/** Flags that became feature gates in 3.6. Source: `server/features/etcd_features.go`. */
const GATES: { [flag: string]: string } = {
  'experimental-stop-grpc-service-on-defrag': 'StopGRPCServiceOnDefrag',
  'experimental-initial-corrupt-check': 'InitialCorruptCheck',
  'experimental-compact-hash-check-enabled': 'CompactHashCheck',
  'experimental-txn-mode-write-with-shared-buffer': 'TxnModeWriteWithSharedBuffer',
  'experimental-enable-lease-checkpoint': 'LeaseCheckpoint',
  'experimental-enable-lease-checkpoint-persist': 'LeaseCheckpointPersist',
};

const SPANS = new Map(
  Object.entries(FLAGS).flatMap(([spans, names]) => names.split(/\s+/).map((name): [string, string] => [name, spans])),
);

/**
 * Whether an etcd of this version (MAJOR.MINOR.PATCH; what is behind a dash does not count) has the flag. Without a
 * version: whether every etcd from 3.4 on has it.
 */
export function hasFlag(name: string, version: string | undefined): boolean {
  const spans = SPANS.get(name);
  if (spans === undefined || version === undefined) return spans === '-';
  return spans.split(' ').some((span) => {
    const [from = '', until = ''] = span.split('-');
    return (from === '' || compare(version, from) >= 0) && (until === '' || compare(version, until) < 0);
  });
}

/** Whether some etcd from 3.4 on has the flag. */
export function isFlag(name: string): boolean {
  return SPANS.has(name);
}

/** Why this flag (without its dashes) cannot be given to an etcd of this version, and what to write instead. */
export function explainFlag(name: string, version: string | undefined): { wrong: string; next: string } | undefined {
  if (hasFlag(name, version)) return undefined;
  if (!SPANS.has(name)) {
    const known = [...SPANS.keys()].filter((each) => hasFlag(each, version));
    return { wrong: `no etcd has a flag --${name}`, next: suggest(name, known) };
  }
  if (version === undefined) {
    return {
      wrong: `not every etcd has the flag --${name}`,
      next: 'set etcd_version, so that it is known whether yours has it',
    };
  }
  return { wrong: `etcd ${version} has no flag --${name}`, next: adviseInstead(name, version) };
}

function adviseInstead(name: string, version: string): string {
  const gate = GATES[name];
  if (gate !== undefined && hasFlag('feature-gates', version)) return `write feature-gates: ${gate}=true`;
  const plain = name.replace(/^experimental-/, '');
  const other = [plain, `experimental-${plain}`].find((each) => each !== name && hasFlag(each, version));
  if (other !== undefined) return `write ${other}`;
  if (name === 'debug') return 'write log-level: debug';
  if (name === 'log-output') return 'write log-outputs';
  if (name === 'feature-gates') return 'before 3.6 each feature has a flag of its own, experimental-…';
  return 'leave it out';
}

function compare(one: string, other: string): number {
  const [ones, others] = [one, other].map((version) => version.split('-')[0]!.split('.').map(Number));
  const differing = ones!.findIndex((part, index) => part !== others![index]);
  return differing < 0 ? 0 : ones![differing]! - others![differing]!;
}
