// etcd.may_stop: the host's member may end and stay down. What ends it requires this.
import { quorumOf } from '../../etcd/quorum.ts';
import type { Change, ClusterView, Module, Refusal } from '../module.ts';

export const etcdMayStop: Module<Record<string, never>, Record<string, never>, 'asked'> = {
  name: 'etcd.may_stop',
  schema: {
    type: 'object',
    description:
      "The guard of what ends the host's etcd member for longer than a restart. It may end where a quorum of the cluster still serves without all the members that the run's target takes away, or where the target is the whole cluster: then it stops serving, as for a restore, and the plan says so. In between, when some members would be left without a quorum, it is refused. Changes nothing.",
    properties: {},
    additionalProperties: false,
    examples: [{}],
  },
  proves: true,
  claims: () => undefined,
  read: () => 'echo asked',
  shared: true,
  parse: () => 'asked',
  diff: (_want, _seen, view) => (view === undefined ? [] : judge(view)),
  expect: () => 'asked',
  fingerprint: () => 'asked',
  write: () => ({ script: ':' }),
};

function judge({ name, members }: ClusterView): Change[] | Refusal {
  const voters = members.filter(({ learner }) => !learner);
  const healthy = voters.filter((member) => member.healthy);
  const quorum = quorumOf(voters.length);
  // Nothing serves that could be broken.
  if (healthy.length < quorum) return [];
  const left = healthy.filter(({ target }) => !target).map(({ host }) => host);
  if (left.length === healthy.length) return [];
  const before = `${listed(healthy.map(({ host }) => host))}, a quorum of ${voters.length}`;
  if (left.length >= quorum)
    return [{ path: 'who serves', before, after: `${listed(left)}, a quorum of ${voters.length}` }];
  if (members.every(({ target }) => target)) {
    return [{ path: 'who serves', before, after: `nobody: cluster ${name} stops, and keeps its data` }];
  }
  return {
    refused: `cluster ${name} would have lost its quorum: of ${voters.length} voters ${listed(left)} would be left, and ${quorum} have to be`,
    next: 'take fewer hosts at once, or all of them (the whole group as target) to stop the cluster',
  };
}

function listed(hosts: string[]): string {
  return hosts.length === 0 ? 'none' : hosts.join(', ');
}
