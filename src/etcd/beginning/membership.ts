// The declared members against those that the cluster lists: the same by name and peer URL, and none of them wiped.
import type { Refusal } from '../../modules/module.ts';
import type { Ledger } from '../ledger.ts';
import type { DeclaredMember, ListedMember } from '../members.ts';
import { listOf, type Situation } from './situation.ts';

/** Incidents 11 and 13: what is declared and what the cluster says must be the same members, by name and peer URL. */
export function compareMembers({ cluster, declared }: Situation, listed: readonly ListedMember[]): Refusal | undefined {
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

export function notAMember(
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

/** Incidents 9 and 22: a member that has been part of the cluster and has lost its data never starts empty. */
export function wipedMembers(
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

export function listedAs(member: DeclaredMember, listed: readonly ListedMember[]): ListedMember | undefined {
  return listed.find(({ peerUrls }) => peerUrls.includes(member.peerUrl));
}

/** Of what the cluster says of the declared members. */
export function ledgerOf(
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
