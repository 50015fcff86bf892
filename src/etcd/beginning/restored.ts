// A cluster whose data came from a snapshot has another id than before: who must learn it, and when it is not yet whole.
import type { Refusal } from '../../modules/module.ts';
import { ledgerFile, replacedBy } from '../ledger.ts';
import { quorumOf } from '../quorum.ts';
import { isThere, listOf, type Situation } from './situation.ts';

/**
 * Without the controller's ledger where that is of before the restore, or of one that was taken back: a quorum of the
 * members must say so, and nobody else. Of one that was taken back it is enough that one of them remembers it: who was left
 * out of that restore never knew it. This controller then learns theirs like one that it has never known.
 */
export function forgetFormer(situation: Situation): Situation {
  const { ledger, seen, declared } = situation;
  if (!isThere(ledger)) return situation;
  const told = [...seen.values()].flatMap((one) => (isThere(one.ledger) ? [one.ledger] : []));
  const [first] = told;
  const agreed =
    told.length >= quorumOf(declared.length) &&
    told.every((one) => one.clusterId === first!.clusterId) &&
    (told.every((one) => replacedBy(one).includes(ledger.clusterId)) ||
      told.some(({ undone }) => undone?.includes(ledger.clusterId)));
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

/**
 * A host that a restore has left out is declared all the same, and is no member: what it has is of the cluster before.
 * Nothing is written anywhere, since nobody could count the voters; nothing is started that would come up with that data.
 */
export function refuseLeftOut({ cluster, declared, seen, ...rest }: Situation): Refusal | undefined {
  const told = [...seen.values()].flatMap(({ ledger }) => (isThere(ledger) ? [ledger] : []));
  const past = new Set(told.flatMap(replacedBy));
  const ledger = told.find(({ clusterId, restored }) => restored?.without && !past.has(clusterId));
  if (!ledger) return undefined;
  const { clusterId, members, restored } = ledger;
  const listed = listOf({ cluster, declared, seen, ...rest }) ?? [];
  const out = declared.filter(
    ({ host, peerUrl }) =>
      restored!.without!.includes(host) &&
      !members.some((member) => member.peerUrl === peerUrl) &&
      !listed.some(({ peerUrls }) => peerUrls.includes(peerUrl)),
  );
  if (out.length === 0) return undefined;
  const hosts = out.map(({ host }) => host).join(', ');
  const [was, is] = out.length === 1 ? ['was', 'is no member'] : ['were', 'are no members'];
  return {
    refused: `${hosts} ${was} left out when cluster ${cluster} was restored (its id is ${clusterId} now), and ${is} of it: data that is still there is of a cluster before, and can never join`,
    next: `let neither etcd nor an API server run on ${hosts}, and take ${hosts} out of the group: then the others are looked after again. To have a host back, move its data directory and ${ledgerFile(cluster)} aside, then add it as a new member (a learner first)`,
  };
}
