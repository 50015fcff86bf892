// The guard of the beginning: whether a cluster may be founded, goes on being founded, is known, or must not be touched.
// A `new` on the wrong day makes an empty cluster beside the lost one, so everything but a clean start is refused.
import type { Refusal } from '../../modules/module.ts';
import { cannotTell, found, goOnFounding } from './founding.ts';
import { judgeKnown, judgeServing } from './known.ts';
import { forgetFormer, refuseLeftOut, refusePartly } from './restored.ts';
import { isThere, type Judgement, refuse, type Situation } from './situation.ts';

/** Of all that is known at one moment. Refused is what could lose data, whether by the whole cluster or by single members. */
export function judgeBeginning(known: Situation): Judgement {
  const situation = forgetFormer(known);
  const { seen, ledger } = situation;
  const sightings = [...seen.values()];
  const damaged = findDamage(situation);
  const refusal =
    damaged ?? refuseLeftOut(known) ?? situation.refusals[0] ?? refusePartly(known) ?? checkIdentity(situation);
  if (refusal) return refuse(refusal);
  if (ledger !== undefined || sightings.some((one) => one.ledger !== undefined)) return judgeKnown(situation);
  if (sightings.some((one) => one.marker !== undefined)) return goOnFounding(situation);
  if (sightings.some((one) => one.status !== undefined)) return judgeServing(situation);
  if (sightings.some((one) => one.hasData)) return refuse(cannotTell(situation, dataOn(situation)));
  return found(situation, 'bootstrap', situation.newToken);
}

function dataOn({ seen }: Situation): string {
  const hosts = [...seen].filter(([, one]) => one.hasData).map(([host]) => host);
  return `${hosts.join(', ')} ${hosts.length === 1 ? 'has' : 'have'} member data, but no member serves and no ledger says what it is`;
}

function findDamage({ cluster, seen, ledger }: Situation): Refusal | undefined {
  const where = [...seen].find(([, one]) => one.ledger === 'damaged' || one.marker === 'damaged')?.[0];
  if (where === undefined && ledger !== 'damaged') return undefined;
  return {
    refused: `what ${where ?? 'this controller'} has written down of cluster ${cluster} cannot be read, so nobody can tell a new cluster from a lost one`,
    next:
      where === undefined
        ? `look at clusters/${cluster}.json in Quorate's state directory; move it aside only if the hosts still have their ledgers`
        : `look at /var/lib/quorate/${cluster}.* on ${where}; a copy of another member's mends it`,
  };
}

/** Every member that serves, and every ledger, must speak of one and the same cluster. */
function checkIdentity({ cluster, seen, ledger }: Situation): Refusal | undefined {
  const claims = [...seen].flatMap(([host, one]) => [
    ...(one.status ? [{ who: `the member of ${host}`, id: one.status.clusterId }] : []),
    ...(isThere(one.ledger) ? [{ who: `the ledger of ${host}`, id: one.ledger.clusterId }] : []),
  ]);
  if (isThere(ledger)) claims.push({ who: "this controller's ledger", id: ledger.clusterId });
  const other = claims.find(({ id }) => id !== claims[0]!.id);
  if (!other) return undefined;
  const [first] = claims;
  return {
    refused: `split brain: ${first!.who} is of cluster ${first!.id}, ${other.who} of cluster ${other.id}, and both are declared as ${cluster}`,
    next: 'find out which of them has the data that counts (quorate status), and take the other out of the group',
  };
}
