// The guard of the beginning: whether a cluster may be founded, goes on being founded, is known, or must not be touched.
// A `new` on the wrong day makes an empty cluster beside the lost one, so everything but a clean start is refused.
import type { Refusal } from '../modules/module.ts';
import { type Found, type Ledger, type Marker, sameLedger } from './ledger.ts';
import { type DeclaredMember, initialCluster, type ListedMember } from './members.ts';
import { quorumOf } from './quorum.ts';
import type { MemberStatus } from './status.ts';

/** What one host says of its member. */
export interface MemberSighting {
  /** The data directory has a member in it. */
  hasData: boolean;
  ledger?: Found<Ledger>;
  marker?: Found<Marker>;
  /** Of the member that runs there. */
  status?: MemberStatus;
  /** As that member lists them; absent where nobody asked. */
  members?: ListedMember[];
}

export interface Situation {
  cluster: string;
  declared: readonly DeclaredMember[];
  /** Hosts that may be written to. */
  targets: ReadonlySet<string>;
  /** By host; a host that cannot be asked is missing. */
  seen: ReadonlyMap<string, MemberSighting>;
  /** The controller's own. */
  ledger?: Found<Ledger>;
  /** In the way of a new cluster: see preflight. */
  obstacles: readonly Refusal[];
  /** In the way of anything: see preflight. */
  refusals: readonly Refusal[];
  /** For a bootstrap that begins now. */
  newToken: string;
  /** RFC 3339. */
  now: string;
}

export type Beginning =
  /** Nothing is there, and nobody remembers anything: a new, empty cluster is founded. */
  | { kind: 'bootstrap'; token: string }
  /** An earlier run has begun to found it: the same token gives the same ids. */
  | { kind: 'resume'; token: string }
  /** The cluster has been before; with `ledger`: what every host should have written down. */
  | { kind: 'known'; ledger: Ledger }
  /** It serves, and nobody has written it down yet. */
  | { kind: 'adopted'; ledger: Ledger }
  | { kind: 'refused'; refusal: Refusal };

export interface Judgement {
  beginning: Beginning;
  /** Of single members, while the others may go on. */
  refusals: Map<string, Refusal>;
}

export function judgeBeginning(situation: Situation): Judgement {
  const { seen, ledger } = situation;
  const sightings = [...seen.values()];
  const damaged = findDamage(situation);
  const refusal = damaged ?? situation.refusals[0] ?? checkIdentity(situation);
  if (refusal) return refuse(refusal);
  if (ledger !== undefined || sightings.some((one) => one.ledger !== undefined)) return judgeKnown(situation);
  if (sightings.some((one) => one.marker !== undefined)) return judgeUnfinished(situation);
  if (sightings.some((one) => one.status !== undefined)) return judgeServing(situation);
  if (sightings.some((one) => one.hasData)) return refuse(cannotTell(situation, dataOn(situation)));
  return begin(situation, 'bootstrap', situation.newToken);
}

function refuse(refusal: Refusal): Judgement {
  return { beginning: { kind: 'refused', refusal }, refusals: new Map() };
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

/** Nobody remembers it and nothing serves: founding it needs every member. */
function begin(situation: Situation, kind: 'bootstrap' | 'resume', token: string): Judgement {
  const { cluster, declared, seen, targets, obstacles } = situation;
  const deed = kind === 'bootstrap' ? `a new cluster ${cluster} is made` : `the bootstrap of ${cluster} goes on`;
  const away = declared.filter(({ host }) => !seen.has(host)).map(({ host }) => host);
  if (away.length > 0) {
    return refuse({
      refused: `${deed} only with all its members, and ${away.join(', ')} cannot be reached: data may be there`,
      next: `bring ${away.join(', ')} within reach, or take what will never come out of the group`,
    });
  }
  const outside = declared.filter(({ host }) => !targets.has(host)).map(({ host }) => host);
  if (outside.length > 0) {
    return refuse({
      refused: `${deed} only on all its members at once, and ${outside.join(', ')} ${outside.length === 1 ? 'is' : 'are'} outside the target`,
      next: `widen the target (-t) to include ${outside.join(', ')}`,
    });
  }
  const obstacle = obstacles[0];
  if (obstacle) return refuse({ refused: `no host is touched: ${allOf(obstacles)}`, next: obstacle.next });
  return { beginning: { kind, token }, refusals: new Map() };
}

function allOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ refused }) => refused).join('; ');
}

/** Incident 10: a lost control file must not become a licence. */
function cannotTell({ cluster }: Situation, evidence: string): Refusal {
  return {
    refused: `cannot tell whether cluster ${cluster} is new or lost: ${evidence}`,
    next: 'say which: start what was stopped, and it is adopted; restore a snapshot if its data is lost; or move the data and what is written down aside by hand if a new, empty cluster is meant',
  };
}

function dataOn({ seen }: Situation): string {
  const hosts = [...seen].filter(([, one]) => one.hasData).map(([host]) => host);
  return `${hosts.join(', ')} ${hosts.length === 1 ? 'has' : 'have'} member data, but no member serves and no ledger says what it is`;
}

/** A bootstrap that an earlier run began. */
function judgeUnfinished(situation: Situation): Judgement {
  const { cluster, declared, seen, now } = situation;
  const markers = [...seen].flatMap(([host, one]) => (isThere(one.marker) ? [{ host, ...one.marker }] : []));
  const [first, ...others] = markers;
  const other = others.find(({ token }) => token !== first!.token);
  if (other) {
    return refuse({
      refused: `two bootstraps of cluster ${cluster} have begun: ${first!.host} has the token ${first!.token}, ${other.host} ${other.token}`,
      next: `if neither has data, move /var/lib/quorate/${cluster}.bootstrap aside on all members, then run again`,
    });
  }
  if (first!.initialCluster !== initialCluster(declared)) {
    return refuse({
      refused: `the bootstrap of cluster ${cluster} began with other members: ${first!.initialCluster}`,
      next: 'declare those members again and let it finish; members are added and removed afterwards',
    });
  }
  const refusals = wipedMembers(situation, (listed) => listed?.started === true);
  const listed = listOf(situation);
  if (listed && declared.every((member) => listedAs(member, listed)?.started) && isQuorate(situation)) {
    const { token } = first!;
    return { beginning: { kind: 'known', ledger: ledgerOf(situation, listed, token, now) }, refusals };
  }
  const wiped = refusals.values().next().value;
  if (wiped) return refuse(wiped);
  const stray = [...seen].find(([, one]) => one.hasData && one.marker === undefined)?.[0];
  if (stray !== undefined)
    return refuse(cannotTell(situation, `${stray} has member data from before the bootstrap ${first!.token}`));
  return begin(situation, 'resume', first!.token);
}

/** It serves, and neither a host nor this controller has written it down. */
function judgeServing(situation: Situation): Judgement {
  const listed = listOf(situation);
  if (!listed) {
    return refuse({
      refused: `a member of cluster ${situation.cluster} runs, but cannot say who the members are: the cluster has no quorum`,
      next: 'bring back its other members first: quorate status shows which',
    });
  }
  const refusal = compareMembers(situation, listed);
  if (refusal) return refuse(refusal);
  return {
    beginning: { kind: 'adopted', ledger: ledgerOf(situation, listed, undefined, situation.now) },
    refusals: wipedMembers(situation, (entry) => entry?.started === true),
  };
}

/** Somebody remembers it: nothing of it is ever made anew. */
function judgeKnown(situation: Situation): Judgement {
  const { cluster, declared, seen, ledger: own, now } = situation;
  const ledgers = [own, ...[...seen.values()].map((one) => one.ledger)].filter(isThere);
  const newest = ledgers.reduce((one, other) => (other.at > one.at ? other : one));
  const nothing = [...seen.values()].every((one) => !one.hasData && !one.status && one.ledger === undefined);
  if (nothing && seen.size > 0 && declared.every(({ host }) => seen.has(host))) {
    return refuse(
      cannotTell(
        situation,
        `this controller knows it (${newest.clusterId}, since ${newest.at}), but no member has data or a ledger`,
      ),
    );
  }
  const listed = listOf(situation);
  const isNamed = (member: DeclaredMember) =>
    newest.members.some(({ name, peerUrl }) => name === member.name && peerUrl === member.peerUrl);
  if (!listed) {
    const stranger = declared.find((member) => !isNamed(member));
    if (stranger) return refuse(notAMember(stranger, cluster, newest.members));
    const everyOne = (entry: ListedMember | undefined) => entry === undefined || entry.started;
    return { beginning: { kind: 'known', ledger: newest }, refusals: wipedMembers(situation, everyOne) };
  }
  const refusal = compareMembers(situation, listed);
  if (refusal) return refuse(refusal);
  const renewed = ledgerOf(situation, listed, newest.token, now);
  return {
    beginning: { kind: 'known', ledger: sameLedger(newest, renewed) ? newest : renewed },
    refusals: wipedMembers(situation, (entry) => entry?.started === true),
  };
}

/** Incidents 9 and 22: a member that has been part of the cluster and has lost its data never starts empty. */
function wipedMembers(
  situation: Situation,
  wasPart: (listed: ListedMember | undefined) => boolean,
): Map<string, Refusal> {
  const { cluster, declared, seen } = situation;
  const listed = listOf(situation);
  return new Map(
    declared.flatMap((member): [string, Refusal][] => {
      const one = seen.get(member.host);
      if (!one || one.hasData || one.status || !wasPart(listed && listedAs(member, listed))) return [];
      return [
        [
          member.host,
          {
            refused: `${member.host} is a known member of cluster ${cluster} but has no data: replace, do not start`,
            next: `if its disk is only not mounted, mount it; if the data is lost, remove the member ${member.name} from the cluster and add it anew`,
          },
        ],
      ];
    }),
  );
}

/** Incidents 11 and 13: what is declared and what the cluster says must be the same members, by name and peer URL. */
function compareMembers({ cluster, declared }: Situation, listed: readonly ListedMember[]): Refusal | undefined {
  for (const member of declared) {
    const entry = listedAs(member, listed);
    if (!entry) {
      const known = listed.map(({ name, peerUrls }) => ({ name, peerUrl: peerUrls.join(' ') }));
      return notAMember(member, cluster, known);
    }
    if (entry.name !== '' && entry.name !== member.name) {
      return {
        refused: `${member.host} is declared as member ${member.name} of cluster ${cluster}, but the member with its peer URL ${member.peerUrl} is ${entry.name} (${entry.id})`,
        next: `set etcd_member_name: ${entry.name} for ${member.host}, or correct the addresses in the inventory`,
      };
    }
  }
  const undeclared = listed.find((entry) => !declared.some((member) => entry.peerUrls.includes(member.peerUrl)));
  if (!undeclared) return undefined;
  return {
    refused: `cluster ${cluster} has the member ${undeclared.name || undeclared.id} at ${undeclared.peerUrls.join(' ')}, which is not declared, so nobody here can count its voters`,
    next: 'add its host to the group, or remove the member from the cluster if it is gone for good',
  };
}

function notAMember(
  member: DeclaredMember,
  cluster: string,
  known: readonly { name: string; peerUrl: string }[],
): Refusal {
  const same = known.find(({ name }) => name === member.name);
  return {
    refused: same
      ? `${member.host} is declared with the peer URL ${member.peerUrl}, but cluster ${cluster} knows ${member.name} at ${same.peerUrl}`
      : `${member.host} (${member.peerUrl}) is declared as a voter, but cluster ${cluster} has no such member`,
    next: same
      ? 'correct the address or port in inventory and pillar; a wrong one costs the quorum'
      : `add it as a learner first, once its peer URL can be reached with its certificate; or take it out of the group`,
  };
}

function listedAs(member: DeclaredMember, listed: readonly ListedMember[]): ListedMember | undefined {
  return listed.find(({ peerUrls }) => peerUrls.includes(member.peerUrl));
}

/** As a member that knows a leader has it. */
function listOf({ seen }: Situation): ListedMember[] | undefined {
  return [...seen.values()].find((one) => one.members && one.status?.healthy)?.members;
}

function isQuorate({ declared, seen }: Situation): boolean {
  const healthy = [...seen.values()].filter((one) => one.status?.healthy).length;
  return healthy >= quorumOf(declared.length);
}

/** Of what the cluster says of the declared members. */
function ledgerOf(
  { cluster, declared, seen }: Situation,
  listed: readonly ListedMember[],
  token: string | undefined,
  at: string,
): Ledger {
  const clusterId = [...seen.values()].find((one) => one.status?.healthy)!.status!.clusterId;
  const members = declared
    .map((member) => ({ name: member.name, id: listedAs(member, listed)!.id, peerUrl: member.peerUrl }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  return { cluster, clusterId, ...(token === undefined ? {} : { token }), members, at };
}

function isThere<T>(found: Found<T> | undefined): found is T {
  return found !== undefined && found !== 'damaged';
}
