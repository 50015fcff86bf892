// The arithmetic of quorum: who may be interrupted, in which order, and what that leaves.
import type { ClusterView, MemberView, Refusal } from '../modules/module.ts';

/**
 * How many of `voters` must agree: more than half of them.
 * Source: etcd's FAQ, "What is failure tolerance?" (https://etcd.io/docs/v3.5/faq/).
 */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** How many healthy voters may still fail before the cluster stops serving; below 0, how many are missing already. */
export function toleranceOf(voters: number, healthy: number): number {
  return healthy - quorumOf(voters);
}

/** A quorum of the voters is healthy. An empty view serves nothing. */
export function serves(view: ClusterView): boolean {
  const { voters, healthy } = countVoters(view);
  return voters > 0 && toleranceOf(voters, healthy) >= 0;
}

/** It was founded before this run: a member that is missing is one that it can do without. */
export function hasBeen({ beginning }: ClusterView): boolean {
  return beginning?.kind === 'known' || beginning?.kind === 'adopted';
}

/** How a cluster that has been founded stands while not all its voters serve, as one sentence; undefined: they do. */
export function tellVoters(view: ClusterView): string | undefined {
  const { voters, healthy, down } = countVoters(view);
  if (!hasBeen(view) || down.length === 0) return undefined;
  const away = (host: string) => view.members.some((member) => member.host === host && !member.reachable);
  const told = down.map((host) => `${host} ${away(host) ? 'cannot be reached' : 'does not'}`).join(', ');
  const tolerance = signed(toleranceOf(voters, healthy));
  return (
    tellLost(view) ?? `cluster ${view.name}: ${healthy} of ${count(voters)} serve, ${told}: tolerance ${tolerance}`
  );
}

/**
 * The arithmetic of a quorum that nothing can bring back in this run: too many voters are on hosts that cannot be reached,
 * or may not be started. A host out of reach may serve all the same: there is none only where members say so that answer.
 * Undefined: there is one, or there may be.
 */
export function tellLost(view: ClusterView): string | undefined {
  const voters = view.members.filter((member) => !member.learner);
  const lost = voters.filter(({ healthy, reachable, refusal }) => !healthy && (!reachable || refusal));
  const tolerance = toleranceOf(voters.length, voters.length - lost.length);
  if (voters.length === 0 || tolerance >= 0) return undefined;
  const hosts = lost.map(({ host }) => host).join(', ');
  const isCertain = voters.some(({ memberId }) => memberId !== undefined) && !voters.some(({ healthy }) => healthy);
  const told = isCertain ? `has no quorum` : `cannot be seen to have a quorum`;
  return `cluster ${view.name} ${told}: ${count(voters.length)}, without ${hosts}: tolerance ${signed(tolerance)}`;
}

/**
 * Unhealthy members first (they cost nothing), then followers, the leader last: each leader that goes is an election.
 * Otherwise in the order given. Source: etcd's upgrade guides and DESIGN's rolling rule.
 */
export function rollOrder(members: readonly MemberView[]): MemberView[] {
  return members.toSorted((a, b) => turnOf(a) - turnOf(b));
}

function turnOf(member: MemberView): number {
  if (!member.healthy) return 0;
  return member.leader ? 2 : 1;
}

/**
 * Whether `host`'s member may be interrupted now: never if fewer than n/2+1 healthy voters would be left. A member that is
 * not healthy, a learner, or a host that is no member takes nothing away, so it may, unless it is what is left of a lost
 * quorum. Where even a whole cluster is too small for that, it may once somebody has agreed that it stops meanwhile.
 */
export function checkDisruption(view: ClusterView, host: string): Refusal | undefined {
  const member = view.members.find((candidate) => candidate.host === host);
  if (!member || member.learner) return undefined;
  if (!member.healthy) return checkSurvivor(view, member);
  const { voters, healthy, down } = countVoters(view);
  const before = toleranceOf(voters, healthy);
  if (before >= 1) return undefined;
  // One or two voters never tolerate anything: a restart of one, while all are well, costs time and no data.
  const isSmall = voters <= 2 && down.length === 0;
  if (isSmall && view.mayStop) return undefined;
  const others = down.length === 0 ? 'all healthy' : `${down.join(', ')} down`;
  const arithmetic = `tolerance ${signed(before)} before, ${signed(before - 1)} after`;
  return {
    refused: `interrupting ${host} would break the quorum of cluster ${view.name}: ${count(voters)}, ${others}: ${arithmetic}`,
    next: isSmall
      ? `a cluster of ${voters} cannot spare one: add members first, or agree that it stops for the moment of a restart (etcd_allow_outage: true in its pillar)`
      : `bring back or replace ${down.join(', ')} first, then run again`,
  };
}

/** Without a quorum a member that runs still gives its data away; one that is started again may not even do that. */
function checkSurvivor(view: ClusterView, { host, memberId }: MemberView): Refusal | undefined {
  const lost = tellLost(view);
  if (lost === undefined || memberId === undefined) return undefined;
  return {
    refused: `interrupting ${host} cannot help: ${lost}; its data may be the newest that is left`,
    next: `bring back enough of the others for a quorum, then run again; where they are lost for good, leave ${host} running and keep its data`,
  };
}

function countVoters(view: ClusterView): { voters: number; healthy: number; down: string[] } {
  const voters = view.members.filter((member) => !member.learner);
  const down = voters.filter((member) => !member.healthy).map((member) => member.host);
  return { voters: voters.length, healthy: voters.length - down.length, down };
}

function count(voters: number): string {
  return voters === 1 ? '1 voter' : `${voters} voters`;
}

/** With a real minus sign, as it is read by people. */
function signed(value: number): string {
  return value < 0 ? `−${-value}` : `${value}`;
}
