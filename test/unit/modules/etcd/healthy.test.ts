// The gate: what it lets through at once, what it refuses to wait for, and what it waits for on the host.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { etcdHealthy } from '../../../../src/modules/etcd/healthy.ts';
import type { Change, ClusterView, MemberView, Refusal } from '../../../../src/modules/module.ts';
import { complete } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

type Want = Parameters<typeof etcdHealthy.diff>[0];
const WANT = complete(etcdHealthy, {}) as unknown as Want;

function view(...members: Partial<MemberView>[]): ClusterView {
  return {
    name: 'main',
    members: members.map((member, n) => ({
      host: `m${n + 1}`,
      client: `10.0.0.${n + 1}:2379`,
      reachable: true,
      healthy: true,
      leader: n === 0,
      clusterId: 'c1',
      ...member,
    })),
  };
}

/** Of a cluster that has been founded before. */
function known(...members: Partial<MemberView>[]): ClusterView {
  const ledger = { cluster: 'main', clusterId: 'c1', members: [], at: '2026-01-01T00:00:00Z' };
  return { ...view(...members), beginning: { kind: 'known', ledger } };
}

const REACHABLE: Partial<Want> = { members: 'reachable' };
const DOWN = { healthy: false };
const AWAY = { healthy: false, reachable: false };

test.each<[string, Partial<Want>, ClusterView | undefined, string | undefined]>([
  ['all serve: nothing to wait for', {}, view({}, {}, {}), undefined],
  ['one does not: waits', {}, view({}, {}, DOWN), '2 of 3 members serve (not: m3)'],
  ['a quorum is enough where it is said to be', { members: 'quorum' }, view({}, {}, AWAY), undefined],
  ['less is not, and is waited for', { members: 'quorum' }, view({}, DOWN, DOWN), '1 of 3 members serve (not: m2, m3)'],
  [
    'nobody waits for a quorum that cannot be',
    { members: 'quorum' },
    view({}, AWAY, AWAY),
    'refused: cluster main cannot be seen to have a quorum: 3 voters, without m2, m3: tolerance −1',
  ],
  ['all that can be reached are enough where that is said', REACHABLE, known({}, {}, AWAY), undefined],
  ['all of these have to serve', REACHABLE, known({}, {}, {}, DOWN, AWAY), '3 of 5 members serve (not: m4, m5)'],
  [
    'and they have to be a quorum',
    REACHABLE,
    known({}, AWAY, AWAY),
    'refused: cluster main cannot be seen to have a quorum: 3 voters, without m2, m3: tolerance −1',
  ],
  [
    'and none of them wiped',
    REACHABLE,
    known({}, {}, { ...DOWN, refusal: { refused: 'm3 has no data', next: 'x' } }),
    'refused: cluster main cannot be seen to be whole: m3 has no data',
  ],
  [
    'a cluster that is being founded needs all of them',
    REACHABLE,
    { ...view({}, {}, AWAY), beginning: { kind: 'resume', token: 't' } },
    'refused: cluster main cannot be seen to be whole: m3 cannot be reached',
  ],
  [
    'an alarm',
    {},
    view({ alarms: ['memberID:1 alarm:NOSPACE'] }, {}),
    'cluster main has an alarm: memberID:1 alarm:NOSPACE',
  ],
  [
    'two clusters',
    {},
    view({}, { clusterId: 'c2' }),
    'split brain: m1 is of cluster c1 and m2 of c2, and both are declared as main',
  ],
  [
    'nobody waits for a host out of reach',
    {},
    view({}, {}, AWAY),
    'refused: cluster main cannot be seen to be whole: m3 cannot be reached',
  ],
  [
    'or for a member that may not start',
    {},
    view({}, { ...DOWN, refusal: { refused: 'm2 has no data', next: 'x' } }),
    'refused: cluster main cannot be seen to be whole: m2 has no data',
  ],
  ['no cluster, no health', {}, undefined, 'refused: this host is in no cluster, so none can be healthy'],
])('%s', (_promise, more, cluster, expected) => {
  const difference = etcdHealthy.diff({ ...WANT, ...more }, 'asked', cluster);
  const told = Array.isArray(difference)
    ? (difference as Change[])[0]?.before
    : `refused: ${(difference as Refusal).refused}`;
  expect(told).toBe(expected);
});

interface Answer {
  leader?: number;
  cluster?: number;
  errors?: string[];
}

const status = (answers: (Answer | undefined)[]) =>
  JSON.stringify(
    answers.flatMap((answer, n) => {
      if (!answer) return [];
      const { leader = 1, cluster = 7, errors } = answer;
      const header = { cluster_id: cluster, member_id: n + 1, revision: 9 + n, raft_term: 2 };
      return [
        {
          Endpoint: `https://10.0.0.${n + 1}:2379`,
          Status: { header, version: '3.5.16', leader, ...(errors ? { errors } : {}) },
        },
      ];
    }),
  );
const hash = (...hashes: [hash: number, compacted?: number][]) =>
  JSON.stringify(
    hashes.map(([value, compacted = -1], n) => ({
      Endpoint: `https://10.0.0.${n + 1}:2379`,
      HashKV: { header: { revision: 9 }, hash: value, compact_revision: compacted },
    })),
  );
const EQUAL = hash([5], [5], [5]);

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
    for (const name of ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key']) put(name, 'x');
  });
  afterEach(() => host.remove());

  function put(name: string, text: string): void {
    mkdirSync(host.root, { recursive: true });
    writeFileSync(join(host.root, name), text);
    chmodSync(join(host.root, name), 0o755);
  }

  /** How the gate ends where etcdctl says `statuses`, the last of them from then on. */
  function wait(statuses: string[], hashes: string, more: Partial<Want> = {}, cluster = view(DOWN, DOWN, DOWN)) {
    statuses.forEach((text, n) => {
      put(`status${n}`, `${text}\n`);
    });
    put('hashes', `${hashes}\n`);
    put(
      'etcdctl',
      `#!/bin/sh
cd ${host.root} && echo "$*" >>calls
case $* in *hashkv*) cat hashes; exit ;; esac
n=$(($(cat n 2>/dev/null || echo -1) + 1)); [ -e status$n ] || n=$((n - 1)); echo $n >n
cat status$n; grep -q . status$n || echo "Error: context deadline exceeded" >&2`,
    );
    const want = { ...WANT, bin_dir: host.root, pki_dir: host.root, hashkv: true, timeout: 1, ...more };
    const { status: ended, stderr } = host.run(
      etcdHealthy.write(want, [], { run: 'r1', react: false, cluster }).script,
    );
    return { ended, stderr: stderr.trim() };
  }

  it('lets three through that serve one cluster with equal data, after waiting for the third', () => {
    const statuses = [status([{}, {}, undefined]), status([{}, {}, {}])];
    expect(wait(statuses, EQUAL, { timeout: 60 })).toEqual({ ended: 0, stderr: '' });
    const calls = readFileSync(join(host.root, 'calls'), 'utf8').trim().split('\n');
    const all = 'https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379';
    expect(calls).toHaveLength(3);
    for (const call of calls) expect(call).toContain(`--endpoints=${all} --cacert=`);
    expect(calls[2]).toContain('endpoint hashkv --rev=11 -w json');
  });

  it.each<[string, (Answer | undefined)[], string, string]>([
    [
      'one that does not answer',
      [{}, {}, undefined],
      EQUAL,
      'waited 1 s for the cluster: 2 of 3 members serve, 3 have to',
    ],
    ['one that knows no leader', [{}, {}, { leader: 0 }], EQUAL, '2 of 3 members serve, 3 have to'],
    ['nobody', [], EQUAL, '0 of 3 members serve, 3 have to'],
    ['data that differs', [{}, {}, {}], hash([5], [5], [6]), 'the members hold different data at revision 11'],
    ['data compacted at different revisions', [{}, {}, {}], hash([5], [5], [5, 3]), 'compacted to different revisions'],
    [
      'one that has never reached a revision that another has',
      [{}, {}, {}],
      `Failed to get the hash of endpoint x (etcdserver: mvcc: required revision is a future revision)\n${hash([5], [5])}`,
      'not all members gave the hash of their data at revision 11, which one of them has: Failed to get the hash of endpoint x',
    ],
  ])('waits for %s, and then says so', (_case, answers, hashes, why) => {
    const { ended, stderr } = wait([status(answers)], hashes);
    expect([ended, stderr]).toEqual([1, expect.stringContaining(why)]);
  });

  it('waits neither for an alarm to go nor for two clusters to become one', () => {
    const slow = { timeout: 600 };
    const alarm = wait([status([{}, { errors: ['memberID:2 alarm:NOSPACE '] }, {}])], EQUAL, slow);
    expect([alarm.ended, alarm.stderr]).toEqual([1, expect.stringMatching(/has an alarm, NOSPACE; next: compact/)]);
    const corrupt = wait([status([{ errors: ['memberID:2 alarm:CORRUPT '] }, {}, {}])], EQUAL, slow);
    expect(corrupt.stderr).toMatch(/has an alarm, CORRUPT; next: find the member whose/);
    const split = wait([status([{}, { cluster: 8 }, {}])], EQUAL, slow);
    expect([split.ended, split.stderr]).toEqual([1, expect.stringMatching(/^split brain: .*7\s8/)]);
  });

  it('does not ask whom it cannot reach, where those that it can are enough', () => {
    const more: Partial<Want> = { ...REACHABLE, hashkv: false, timeout: 60 };
    const [one, two] = [status([{}, undefined]), status([{}, {}])];
    expect(wait([one, two], EQUAL, more, known(DOWN, DOWN, AWAY))).toEqual({ ended: 0, stderr: '' });
    expect(readFileSync(join(host.root, 'calls'), 'utf8')).not.toContain('10.0.0.3');
  });

  it('is content with a quorum, and asks no hash, where it is told so', () => {
    const more: Partial<Want> = { members: 'quorum', hashkv: false };
    expect(wait([status([{}, undefined, {}])], hash([5], [6]), more)).toEqual({ ended: 0, stderr: '' });
    expect(readFileSync(join(host.root, 'calls'), 'utf8')).not.toContain('hashkv');
  });
});
