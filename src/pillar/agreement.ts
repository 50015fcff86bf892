// Keys of a merged pillar that must agree with each other, which a JSON Schema cannot say.
import type { Failure } from '../failure.ts';
import type { Pillar } from './pillar.ts';

const PORTS = ['etcd_client_port', 'etcd_peer_port', 'etcd_metrics_port'];

export function checkAgreement(pillar: Pillar): Failure[] {
  return [...checkElectionTimeout(pillar), ...checkPorts(pillar)];
}

/** etcd does not start otherwise: https://etcd.io/docs/v3.5/tuning/#time-parameters and its `embed.Config.Validate`. */
function checkElectionTimeout(pillar: Pillar): Failure[] {
  const { etcd_heartbeat_interval: heartbeat, etcd_election_timeout: election } = pillar.data;
  if (typeof heartbeat !== 'number' || typeof election !== 'number' || election >= 5 * heartbeat) return [];
  return [
    refuse(
      pillar,
      ['etcd_heartbeat_interval', 'etcd_election_timeout'],
      `etcd_election_timeout (${election} ms) must be at least 5 times etcd_heartbeat_interval (${heartbeat} ms)`,
      `set etcd_election_timeout to ${5 * heartbeat} or more`,
    ),
  ];
}

function checkPorts(pillar: Pillar): Failure[] {
  return PORTS.flatMap((port, index) => {
    const same = PORTS.slice(0, index).find((earlier) => pillar.data[earlier] === pillar.data[port]);
    if (same === undefined || pillar.data[port] === undefined) return [];
    return [
      refuse(pillar, [same, port], `${same} and ${port} are both ${pillar.data[port]}`, 'give each a port of its own'),
    ];
  });
}

/** The place is that of the key somebody set, rather than of a default. */
function refuse(pillar: Pillar, keys: string[], message: string, next: string): Failure {
  const origins = keys.flatMap((key) => pillar.origins([key]).slice(0, 1));
  const origin = origins.findLast((each) => each.layer !== 'schema default') ?? origins.at(-1);
  return { reason: 'schema', message, next, host: pillar.host, ...(origin && { place: origin.place }) };
}
