// Does it serve, and who is missing?
import { toleranceOf } from '../quorum.ts';
import { enumerate, type Finding, plural, type Severity } from './finding.ts';
import type { Standing, Standings } from './standing.ts';

export function findService(standings: Standings): Finding[] {
  return [...findQuorum(standings), ...standings.members.flatMap((member) => findAbsence(member, standings))];
}

/** A host's own name, or what the member list calls a member that no declared host has. */
export function nameOf({ host, listed }: Standing): string {
  return host ?? (listed?.name || 'unnamed');
}

/** Every host answered, and none has ever had a member. */
export function isBare({ members }: Standings): boolean {
  return members.every(({ seen, state }) => {
    if (!seen || seen.failure || seen.ledger !== undefined || seen.processes?.length) return false;
    return state === 'down' && seen.data?.member === false;
  });
}

export function describeBare({ members }: Standings): Finding {
  return {
    kind: 'not-founded',
    severity: 'warning',
    message: 'no etcd was ever founded on these hosts: there is no data, no process and no ledger',
    next: 'if that is what you expect: quorate apply kubernetes.running; else check that the inventory and etcd_data_dir name the right place',
    hosts: members.flatMap(({ host }) => host ?? []),
  };
}

function findQuorum(standings: Standings): Finding[] {
  const { members, voters, quorum, serves } = standings;
  if (serves === 'yes') return [];
  const named = (...states: Standing['state'][]) =>
    members.filter(({ voter, state }) => voter && states.includes(state)).map(nameOf);
  const hosts = members.flatMap(({ host }) => host ?? []);
  const leaderless = named('leaderless');
  const unasked = named('unknown', 'silent');
  if (leaderless.length >= quorum) {
    return [
      {
        kind: 'no-leader',
        severity: 'critical',
        message: `no leader: ${enumerate(leaderless)} answer, enough for a quorum of ${quorum}, but know of no leader, so nothing is written or read`,
        next: 'an election takes seconds: look again; if it stays so, the members cannot hear each other: check the peer ports, the peer certificates and the clocks',
        hosts,
      },
    ];
  }
  if (serves === 'no') {
    const gone = members
      .filter(({ voter, state }) => voter && state !== 'serving' && state !== 'leaderless')
      .map(nameOf);
    return [
      {
        kind: 'no-quorum',
        severity: 'critical',
        message: `no quorum: ${leaderless.length} of ${plural(voters, 'voter')} ${leaderless.length === 1 ? 'answers' : 'answer'}, ${quorum} are needed (missing: ${enumerate(gone)})`,
        next: `bring ${quorum - leaderless.length} of ${enumerate(gone)} back with the data they have; never start one of them empty, and restore from a snapshot only when that cannot be done`,
        hosts,
      },
    ];
  }
  if (leaderless.length > 0) {
    return [
      {
        kind: 'no-quorum',
        severity: 'critical',
        message: `no quorum in sight: ${enumerate(leaderless)} ${leaderless.length === 1 ? 'knows' : 'know'} of no leader, and only ${enumerate(unasked)}, which could not be asked, could still make a quorum of ${quorum}`,
        next: `reach ${enumerate(unasked)} first (console, power, network): whether a quorum is there decides everything else`,
        hosts,
      },
    ];
  }
  return [
    {
      kind: 'nothing-known',
      severity: 'critical',
      message: `whether the cluster serves is not known: no member could be asked`,
      next: 'check the network between here and the hosts, then the hosts themselves; what is said below of each is why',
      hosts,
    },
  ];
}

function findAbsence(member: Standing, standings: Standings): Finding[] {
  const { seen, state, host } = member;
  if (!seen || host === undefined) return [];
  const severity = severityOfLoss(standings);
  const hosts = [host];
  const { failure } = seen;
  if (failure) {
    const hangs = seen.processes !== undefined || failure.reason === 'timeout' || failure.reason === 'lost';
    return [
      {
        kind: hangs ? 'host-hangs' : 'host-unreachable',
        severity: 'warning',
        message: `${host} ${hangs ? 'did not answer to the end' : 'could not be asked'}: ${failure.message}${failure.resource === undefined ? '' : ` (at: ${failure.resource})`}`,
        next: failure.next ?? 'check the host and its network; its etcd may serve all the same',
        hosts,
      },
    ];
  }
  if (state === 'down' && isKnown(member, standings) && seen.data?.member === false) {
    return [
      {
        kind: 'data-missing',
        severity: 'critical',
        message: `${host} is a known member, but ${seen.declared.dataDir} has no data of it`,
        next: `do not start it: an empty known member can lose what the others have agreed on; find its disk, or replace the member`,
        hosts,
      },
    ];
  }
  if (state === 'down') {
    return [
      {
        kind: 'member-down',
        severity,
        message: `${host}'s etcd does not run: ${explainDown(member)}`,
        next: nextForDown(member),
        hosts,
      },
    ];
  }
  if (state === 'silent') {
    const stopped = seen.processes?.some((process) => process.state === 'T') === true;
    const said = seen.member?.state === 'silent' ? seen.member.said : '';
    return [
      {
        kind: 'member-silent',
        severity,
        message: stopped
          ? `${host}'s etcd is stopped in the middle of its work (SIGSTOP, a debugger or a frozen container): it holds its port and answers nobody`
          : `${host}'s etcd listens but does not answer: ${said}`,
        next: stopped
          ? `find out who stopped it, then continue it: kill -CONT ${seen.processes!.map(({ pid }) => pid).join(' ')}`
          : `look at its log: a member that was restarted without a quorum waits like this, and an expired certificate, another CA or a hung disk look the same`,
        hosts,
      },
    ];
  }
  if (seen.member?.state === 'unasked') {
    const { missing, kind } = seen.member;
    return [
      {
        kind: 'not-askable',
        severity: 'warning',
        message: `${host}'s etcd could not be asked: there is no ${missing}${seen.processes?.length ? ', though etcd runs' : ''}`,
        next:
          kind === 'etcdctl'
            ? 'install etcdctl, or set etcd_bin_dir to where it is'
            : 'put the file in place, or set etcd_pki_dir to where it is',
        hosts,
      },
    ];
  }
  return [];
}

/** With no tolerance left the next loss is an outage: that is for now, not for tomorrow. */
function severityOfLoss({ voters, healthy }: Standings): Severity {
  return toleranceOf(voters, healthy) <= 0 ? 'critical' : 'warning';
}

/** The others list it, or its own host remembers. */
function isKnown({ listed, seen }: Standing, { votersFrom }: Standings): boolean {
  return votersFrom === 'list' ? listed?.started === true : seen?.ledger !== undefined;
}

function explainDown({ seen }: Standing): string {
  const port = `nothing listens on port ${seen!.declared.clientPort}`;
  const running = seen!.processes?.length
    ? `a process named etcd runs (${enumerate(seen!.processes.map(({ pid }) => `pid ${pid}`))}), but `
    : '';
  const { runtime } = seen!;
  if (runtime?.kind === 'static_pod') {
    if (!runtime.present) return `${running}its manifest ${runtime.manifest} is not there (moved aside?), ${port}`;
    return `${running}${port}; its manifest is in place, kubelet is ${runtime.kubelet}`;
  }
  if (runtime?.kind === 'systemd') {
    if (!runtime.loaded) return `${running}there is no unit etcd.service, ${port}`;
    const failed = runtime.result === 'success' ? '' : `, last result ${runtime.result}`;
    return `${running}etcd.service is ${runtime.active} (${runtime.sub}${failed}), ${port}`;
  }
  return `${running}${port}`;
}

function nextForDown({ seen }: Standing): string {
  if (seen?.runtime?.kind === 'static_pod') {
    if (!seen.runtime.present)
      return `find out who moved the manifest and why (a restore in progress?), then put it back`;
    return 'see why kubelet does not run it: crictl ps -a, the log of the container, journalctl -u kubelet';
  }
  return 'see why: journalctl -u etcd; start it with the data it has';
}
