// The flags of etcd that the states set themselves, and what to set instead of them.

const TLS = 'certificates belong to etcd_pki and etcd_pki_dir';
const ADDRESS = "it follows from the host's address in the inventory and from";
const BEGINNING = 'Quorate alone decides whether a cluster begins or goes on, so that none ever begins twice';

/** Why a flag (without its dashes) may not be among `etcd_extra_args`, by its name. */
export const OWN_FLAGS: { [flag: string]: string } = {
  name: 'set etcd_member_name',
  'data-dir': 'set etcd_data_dir',
  'wal-dir': 'set etcd_wal_dir',
  'heartbeat-interval': 'set etcd_heartbeat_interval',
  'election-timeout': 'set etcd_election_timeout',
  'quota-backend-bytes': 'set etcd_quota_backend_bytes',
  'snapshot-count': 'set etcd_snapshot_count',
  'listen-client-urls': `${ADDRESS} etcd_client_port`,
  'advertise-client-urls': `${ADDRESS} etcd_client_port`,
  'listen-peer-urls': `${ADDRESS} etcd_peer_port`,
  'initial-advertise-peer-urls': `${ADDRESS} etcd_peer_port`,
  'listen-metrics-urls': 'set etcd_metrics_port',
  'cert-file': TLS,
  'key-file': TLS,
  'trusted-ca-file': TLS,
  'client-cert-auth': 'clients always need a certificate',
  'peer-cert-file': TLS,
  'peer-key-file': TLS,
  'peer-trusted-ca-file': TLS,
  'peer-client-cert-auth': 'peers always need a certificate',
  'auto-tls': TLS,
  'peer-auto-tls': TLS,
  'initial-cluster': "it follows from the cluster's hosts in the inventory",
  'initial-cluster-state': BEGINNING,
  'initial-cluster-token': BEGINNING,
  'force-new-cluster': BEGINNING,
  discovery: BEGINNING,
  'discovery-srv': BEGINNING,
  'discovery-token': BEGINNING,
  'config-file': 'with it etcd ignores all other flags; set the keys of the pillar',
  version: 'with it etcd only prints its version',
};
