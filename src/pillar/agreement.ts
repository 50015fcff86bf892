// Keys of a merged pillar that must agree with each other, which a JSON Schema cannot say.
import { explainFlag } from '../etcd/flags.ts';
import { OWN_FLAGS } from '../etcd/own-flags.ts';
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import { checkAddons } from './addons.ts';
import { checkAdoption } from './adoption.ts';
import { checkControlPlane } from './control-plane.ts';
import { hasEvents } from './events.ts';
import { checkInstall } from './install.ts';
import type { Pillar } from './pillar.ts';
import { checkProxy } from './proxy.ts';
import { refuse } from './refuse.ts';
import { checkResources } from './resources.ts';
import { checkStaticPod } from './static-pod.ts';

const PORTS = ['etcd_client_port', 'etcd_peer_port', 'etcd_metrics_port'];
const EVENTS_PORTS = ['etcd_events_client_port', 'etcd_events_peer_port', 'etcd_events_metrics_port'];
const DIRECTORIES = ['etcd_data_dir', 'etcd_wal_dir'];
const EVENTS_DIRECTORIES = ['etcd_events_data_dir', 'etcd_events_wal_dir'];

export function checkAgreement(pillar: Pillar): Failure[] {
  return [
    ...checkElectionTimeout(pillar),
    ...checkPorts(pillar),
    ...checkInstall(pillar, 'etcd_install'),
    ...checkInstall(pillar, 'kubelet_install'),
    ...checkDirectories(pillar),
    ...checkFlags(pillar, 'etcd_extra_args'),
    ...(hasEvents(pillar.data) ? checkFlags(pillar, 'etcd_events_extra_args') : []),
    ...checkResources(pillar),
    ...checkStaticPod(pillar),
    ...checkProxy(pillar),
    ...checkControlPlane(pillar),
    ...checkAdoption(pillar),
    ...checkAddons(pillar),
  ];
}

/** etcd does not start otherwise: https://etcd.io/docs/v3.5/tuning/#time-parameters and its `embed.Config.Validate`. */
function checkElectionTimeout(pillar: Pillar): Failure[] {
  const { etcd_heartbeat_interval: heartbeat, etcd_election_timeout: election } = pillar.data;
  if (typeof heartbeat !== 'number' || typeof election !== 'number' || election >= 5 * heartbeat) return [];
  return [
    refuse(
      pillar,
      [['etcd_heartbeat_interval'], ['etcd_election_timeout']],
      `etcd_election_timeout (${election} ms) must be at least 5 times etcd_heartbeat_interval (${heartbeat} ms)`,
      `set etcd_election_timeout to ${5 * heartbeat} or more`,
    ),
  ];
}

function checkPorts(pillar: Pillar): Failure[] {
  const ports = [
    ...PORTS,
    ...(hasEvents(pillar.data) ? EVENTS_PORTS : []),
    ...(pillar.data.control_plane === 'none' ? [] : ['apiserver_port']),
  ];
  return ports.flatMap((port, index) => {
    const same = ports.slice(0, index).find((earlier) => pillar.data[earlier] === pillar.data[port]);
    if (same === undefined || pillar.data[port] === undefined) return [];
    return [
      refuse(
        pillar,
        [[same], [port]],
        `${same} and ${port} are both ${pillar.data[port]}`,
        'give each a port of its own',
      ),
    ];
  });
}

/** Source: etcd's `server/etcdserver/bootstrap.go` takes a write-ahead log inside the data directory for that of a member. */
function checkDirectories(pillar: Pillar): Failure[] {
  const keys = hasEvents(pillar.data) ? [...DIRECTORIES, ...EVENTS_DIRECTORIES] : DIRECTORIES;
  return keys.flatMap((key, index) =>
    keys.slice(0, index).flatMap((other): Failure[] => {
      const [one, two] = [pillar.data[key], pillar.data[other]];
      if (typeof one !== 'string' || typeof two !== 'string') return [];
      if (one !== two && !one.startsWith(`${two}/`) && !two.startsWith(`${one}/`)) return [];
      const message = `${key} (${one}) and ${other} (${two}) lie in each other`;
      const optional = [key, other].find((each) => each.endsWith('_wal_dir'));
      const next = `give each a directory of its own${optional === undefined ? '' : `, or leave ${optional} out`}`;
      return [refuse(pillar, [[other], [key]], message, next)];
    }),
  );
}

function checkFlags(pillar: Pillar, key: string): Failure[] {
  const { [key]: flags, etcd_version: version } = pillar.data;
  if (!isMap(flags)) return [];
  return Object.keys(flags).flatMap((flag): Failure[] => {
    const at = [[key, flag]];
    if (OWN_FLAGS[flag] !== undefined) {
      return [refuse(pillar, at, `${key} may not have --${flag}: Quorate sets it itself`, OWN_FLAGS[flag])];
    }
    const wrong = explainFlag(flag, typeof version === 'string' ? version : undefined);
    return wrong === undefined ? [] : [refuse(pillar, at, `${key}: ${wrong.wrong}`, wrong.next)];
  });
}
