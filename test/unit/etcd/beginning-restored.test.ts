// After a restore: who learns the new cluster from whom, and what is not started because only a part of it is restored.
import { expect, test } from 'vitest';
import { judgeBeginning } from '../../../src/etcd/beginning/judge.ts';
import type { MemberSighting, Situation } from '../../../src/etcd/beginning/situation.ts';
import type { Ledger } from '../../../src/etcd/ledger.ts';
import type { DeclaredMember, ListedMember } from '../../../src/etcd/members.ts';
import type { MemberStatus } from '../../../src/etcd/status.ts';

const DECLARED: DeclaredMember[] = ['m1', 'm2', 'm3'].map((host, n) => ({
  host,
  name: host,
  peerUrl: `https://10.0.0.${n + 1}:2380`,
}));
const members = (first: number) => DECLARED.map(({ name, peerUrl }, n) => ({ name, id: `${first + n}`, peerUrl }));
const OLD: Ledger = { cluster: 'main', clusterId: 'c1', token: 'old', members: members(1), at: '2030-01-01T00:00:00Z' };
// Older by its host's clock: nobody's clock decides what is of the past.
const NEW: Ledger = {
  cluster: 'main',
  clusterId: 'c2',
  token: 'new',
  members: members(4),
  at: '2020-01-01T00:00:00Z',
  restored: { sha256: 'a'.repeat(64), generation: 1, former: ['c0', 'c1'] },
};
const LISTED: ListedMember[] = NEW.members.map(({ name, id, peerUrl }) => ({
  id,
  name,
  peerUrls: [peerUrl],
  started: true,
  learner: false,
}));

/** The restore was taken back. */
const back: MemberSighting = { hasData: true, ledger: { ...OLD, undone: ['c2'] } };
/** Restored without m3. */
const LESS: Ledger = {
  ...NEW,
  members: NEW.members.slice(0, 2),
  restored: { ...NEW.restored!, without: ['m3'] },
};
const less: MemberSighting = { hasData: true, ledger: LESS };
const lessServes: MemberSighting = {
  ...less,
  status: { clusterId: 'c2', healthy: true } as MemberStatus,
  members: LISTED.slice(0, 2),
};
const rejoined: MemberSighting = { ...lessServes, members: LISTED };
const LEFT_OUT =
  /^m3 was left out when cluster main was restored \(its id is c2 now\), and is no member of it: .*; let neither etcd nor an API server run on m3, and take m3 out of the group/;

const restored: MemberSighting = { hasData: true, ledger: NEW };
const stopped: MemberSighting = { hasData: true, ledger: OLD };
const wiped: MemberSighting = { hasData: false };
const serves: MemberSighting = {
  ...restored,
  status: { clusterId: 'c2', healthy: true } as MemberStatus,
  members: LISTED,
};

function begin(hosts: (MemberSighting | undefined)[], ledger?: Ledger) {
  return judgeBeginning({
    cluster: 'main',
    declared: DECLARED,
    targets: new Set(['m1', 'm2', 'm3']),
    seen: new Map(hosts.flatMap((one, n) => (one ? [[`m${n + 1}`, one] as const] : []))),
    ...(ledger ? { ledger } : {}),
    obstacles: [],
    refusals: [],
    newToken: 'fresh',
    now: '2040-02-02T00:00:00.000Z',
  } satisfies Situation);
}

function judge(hosts: (MemberSighting | undefined)[], ledger?: Ledger) {
  const { beginning, refusals } = begin(hosts, ledger);
  if (beginning.kind === 'refused') return `${beginning.refusal.refused}; ${beginning.refusal.next}`;
  const id = 'ledger' in beginning ? beginning.ledger.clusterId : beginning.token;
  return `${beginning.kind} ${id}${[...refusals.keys()].map((host) => ` !${host}`).join('')}`;
}

test.each<[string, (MemberSighting | undefined)[], Ledger | undefined, string | RegExp]>([
  ['a controller that remembers the old cluster learns the new one', [restored, restored, restored], OLD, 'known c2'],
  ['also from a quorum', [restored, restored, undefined], OLD, 'known c2'],
  ['one host alone could be the one that is wrong', [restored, undefined, undefined], OLD, /^split brain/],
  ['a controller that knows neither learns it', [restored, restored, restored], undefined, 'known c2'],
  ['and one that knows it has nothing to learn', [restored, restored, restored], NEW, 'known c2'],
  ['a host that was left out is no member, out of reach', [less, less, undefined], OLD, LEFT_OUT],
  ['back with the data of before', [lessServes, lessServes, stopped], LESS, LEFT_OUT],
  ['back without any', [lessServes, lessServes, wiped], OLD, LEFT_OUT],
  ['until the cluster lists it again', [rejoined, rejoined, undefined], LESS, 'known c2'],
  ['what was taken back is forgotten, also with one that never knew of it', [back, stopped, stopped], NEW, 'known c1'],
  ['and by nobody who merely does not know it', [stopped, stopped, stopped], NEW, /^split brain/],
  ['while it serves', [serves, serves, serves], OLD, 'known c2'],
  [
    'a member of before is not started beside restored ones',
    [restored, stopped, restored],
    OLD,
    /^cluster main is restored only in part: m1, m3 are, m2 is not; apply kubernetes.etcd.restored to m2 too/,
  ],
  [
    'whatever the controller knows',
    [stopped, restored, stopped],
    NEW,
    /^cluster main is restored only in part: m2 is, m1, m3 are not/,
  ],
  [
    'nor is anything where one is not restored yet, and the new cluster has never served',
    [restored, restored, wiped],
    OLD,
    /^cluster main is restored only in part: m1, m2 are, m3 is not/,
  ],
  ['once it serves the others go on', [serves, serves, wiped], OLD, 'known c2 !m3'],
  ['a restored member whose disk is lost is not started empty', [restored, restored, wiped], NEW, 'known c2 !m3'],
  [
    'a ledger that names no such past is a split brain still',
    [{ hasData: true, ledger: { ...NEW, restored: { ...NEW.restored!, former: ['c0'] } } }, restored, restored],
    OLD,
    /^split brain/,
  ],
])('%s', (_what, hosts, ledger, expected) => {
  const verdict = judge(hosts, ledger);
  if (expected instanceof RegExp) expect(verdict).toMatch(expected);
  else expect(verdict).toBe(expected);
});

test('what it was restored from stays written down when it serves', () => {
  const seen = new Map(DECLARED.map(({ host }) => [host, serves]));
  const { beginning } = judgeBeginning({
    cluster: 'main',
    declared: DECLARED,
    targets: new Set(),
    seen,
    obstacles: [],
    refusals: [],
    newToken: 'x',
    now: 'now',
  });
  expect(beginning).toMatchObject({ kind: 'known', ledger: { restored: NEW.restored } });
});

test('a restore that was taken back is remembered while the members are renewed, also by whom it never reached', () => {
  const status = { clusterId: 'c1', healthy: true } as MemberStatus;
  const listed = OLD.members.map(({ name, id, peerUrl }) => ({
    id,
    name,
    peerUrls: [peerUrl],
    started: true,
    learner: false,
  }));
  const served = { ...back, status, members: listed };
  const spared = { ...stopped, status, members: listed };
  const expected = { kind: 'known', ledger: { ...OLD, undone: ['c2'] } };
  expect(begin([served, served, served], OLD).beginning).toEqual(expected);
  expect(begin([spared, served, served], OLD).beginning).toEqual(expected);
  expect(begin([stopped, back, back]).beginning).toEqual(expected);
  // A member was renamed meanwhile: the ledger is written anew, and still knows it.
  const renewed = { ...served, ledger: { ...OLD, members: members(7), undone: ['c2'] } };
  expect(begin([renewed, renewed, renewed]).beginning).toMatchObject({
    ledger: { undone: ['c2'], members: OLD.members },
  });
});
