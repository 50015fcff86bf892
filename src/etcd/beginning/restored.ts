// A cluster whose data came from a snapshot has another id than before: who must learn it, and when it is not yet whole.
import type { Refusal } from '../../modules/module.ts';
import { replacedBy } from '../ledger.ts';
import { quorumOf } from '../quorum.ts';
import { isThere, type Situation } from './situation.ts';

/**
 * Without the controller's ledger where that is of before the restore: a quorum of the members must say so, and nobody
 * else. This controller then learns the new one like one that it has never known.
 */
export function forgetFormer(situation: Situation): Situation {
  const { ledger, seen, declared } = situation;
  if (!isThere(ledger)) return situation;
  const told = [...seen.values()].flatMap((one) => (isThere(one.ledger) ? [one.ledger] : []));
  const [first] = told;
  const agreed =
    told.length >= quorumOf(declared.length) &&
    told.every((one) => one.clusterId === first!.clusterId && replacedBy(one).includes(ledger.clusterId));
  if (!agreed || ledger.clusterId === first!.clusterId) return situation;
  const { ledger: _former, ...rest } = situation;
  return rest;
}

/**
 * Some members are of the restored cluster, and others still of the one that it takes the place of; or have no data, and
 * nobody has seen the restored cluster serve: were the others started now, these could not be restored any more.
 */
export function refusePartly({ cluster, seen, ledger }: Situation): Refusal | undefined {
  const told = [...seen].flatMap(([host, one]) => (isThere(one.ledger) ? [{ host, ledger: one.ledger }] : []));
  const restored = told.filter(({ ledger: theirs }) => theirs.restored);
  const done = restored.find(({ ledger: theirs }) =>
    told.some((other) => replacedBy(theirs).includes(other.ledger.clusterId)),
  );
  const clusterId = (done ?? restored[0])?.ledger.clusterId;
  if (clusterId === undefined) return undefined;
  const serves = [...seen.values()].some(({ status }) => status !== undefined);
  const isNew = serves || (isThere(ledger) && ledger.clusterId === clusterId);
  const behind = [...seen].filter(([, one]) =>
    isThere(one.ledger) ? one.ledger.clusterId !== clusterId : !isNew && !one.hasData && one.ledger === undefined,
  );
  if (behind.length === 0 || (!done && isNew)) return undefined;
  const hosts = behind.map(([host]) => host);
  const others = [...seen.keys()].filter((host) => !hosts.includes(host));
  const are = (list: readonly string[]) => `${list.join(', ')} ${list.length === 1 ? 'is' : 'are'}`;
  return {
    refused: `cluster ${cluster} is restored only in part: ${are(others)}, ${are(hosts)} not`,
    next: `apply kubernetes.etcd.restored to ${hosts.join(', ')} too, with the same snapshot`,
  };
}
