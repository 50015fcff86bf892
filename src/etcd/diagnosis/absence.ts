// One member that is not there, or does not answer: why, and what to do about it.
import { toleranceOf } from '../quorum.ts';
import { enumerate, type Finding, type Severity } from './finding.ts';
import type { Standing, Standings } from './standing.ts';

export function findAbsence(member: Standing, standings: Standings): Finding[] {
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
    if (!runtime.loaded) return `${running}there is no unit ${seen!.declared.service}.service, ${port}`;
    const failed = runtime.result === 'success' ? '' : `, last result ${runtime.result}`;
    return `${running}${seen!.declared.service}.service is ${runtime.active} (${runtime.sub}${failed}), ${port}`;
  }
  return `${running}${port}`;
}

function nextForDown({ seen }: Standing): string {
  if (seen?.runtime?.kind === 'static_pod') {
    if (!seen.runtime.present)
      return `find out who moved the manifest and why (a restore in progress?), then put it back`;
    return 'see why kubelet does not run it: crictl ps -a, the log of the container, journalctl -u kubelet';
  }
  return `see why: journalctl -u ${seen?.declared.service ?? 'etcd'}; start it with the data it has`;
}
