// The guard of the beginning, as a table of what hosts say, and as what must hold whatever they say.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeBeginning } from '../../../src/etcd/beginning/judge.ts';
import type { MemberSighting, Situation } from '../../../src/etcd/beginning/situation.ts';
import type { Ledger, Marker } from '../../../src/etcd/ledger.ts';
import { type DeclaredMember, initialCluster, type ListedMember } from '../../../src/etcd/members.ts';
import type { MemberStatus } from '../../../src/etcd/status.ts';

const DECLARED: DeclaredMember[] = ['m1', 'm2', 'm3'].map((host, n) => ({
  host,
  name: host,
  peerUrl: `https://10.0.0.${n + 1}:2380`,
}));

const LEDGER: Ledger = {
  cluster: 'main',
  clusterId: 'c1',
  token: 'old',
  members: DECLARED.map(({ name, peerUrl }, n) => ({ name, id: `${n + 1}`, peerUrl })),
  at: '2026-01-01T00:00:00.000Z',
};
const MARKER: Marker = { cluster: 'main', token: 'begun', initialCluster: initialCluster(DECLARED) };
const LISTED: ListedMember[] = DECLARED.map(({ name, peerUrl }, n) => ({
  id: `${n + 1}`,
  name,
  peerUrls: [peerUrl],
  started: true,
  learner: false,
}));

const BARE: MemberSighting = { hasData: false };
const STOPPED: MemberSighting = { hasData: true };
const MARKED: MemberSighting = { hasData: false, marker: MARKER };

function serving(more: Partial<MemberSighting> = {}, clusterId = 'c1'): MemberSighting {
  return { hasData: true, status: { clusterId, healthy: true } as MemberStatus, members: LISTED, ...more };
}

function known(more: Partial<MemberSighting> = {}): MemberSighting {
  const { members: _members, ...sighting } = serving({ ledger: LEDGER });
  return { ...sighting, ...more };
}

function judge(hosts: (MemberSighting | undefined)[], more: Partial<Situation> = {}) {
  return judgeBeginning({
    cluster: 'main',
    declared: DECLARED,
    targets: new Set(['m1', 'm2', 'm3']),
    seen: new Map(hosts.flatMap((one, n) => (one ? [[`m${n + 1}`, one] as const] : []))),
    obstacles: [],
    refusals: [],
    newToken: 'fresh',
    now: '2026-02-02T00:00:00.000Z',
    ...more,
  });
}

/** `kind`, what it carries, and which hosts are refused by themselves. */
function told({ beginning, refusals }: ReturnType<typeof judge>): string {
  const own = [...refusals.keys()].map((host) => ` !${host}`).join('');
  switch (beginning.kind) {
    case 'bootstrap':
    case 'resume':
      return `${beginning.kind} ${beginning.token}${own}`;
    case 'refused':
      return beginning.refusal.refused;
    default:
      return `${beginning.kind} ${beginning.ledger.clusterId} ${beginning.ledger.token ?? '-'}${own}`;
  }
}

const TABLE: { [promise: string]: [hosts: (MemberSighting | undefined)[], more: Partial<Situation>, verdict: string] } =
  {
    'three bare hosts, all in reach and in the target, found a cluster': [[BARE, BARE, BARE], {}, 'bootstrap fresh'],
    'a member out of reach may have data': [
      [BARE, undefined, BARE],
      {},
      'a new cluster main is made only with all its members, and m2 cannot be reached: data may be there',
    ],
    'a member outside the target is not founded': [
      [BARE, BARE, BARE],
      { targets: new Set(['m1']) },
      'a new cluster main is made only on all its members at once, and m2, m3 are outside the target',
    ],
    'one obstacle stops all hosts': [
      [BARE, BARE, BARE],
      { obstacles: [{ refused: 'port 2379 of m2 is taken', next: 'x' }] },
      'no host is touched: port 2379 of m2 is taken',
    ],
    'a marker without anything else goes on with its token': [[MARKED, BARE, BARE], {}, 'resume begun'],
    'a bootstrap that died with one member started goes on': [
      [{ ...STOPPED, marker: MARKER }, MARKED, MARKED],
      {},
      'resume begun',
    ],
    'two tokens are two bootstraps': [
      [MARKED, { ...MARKED, marker: { ...MARKER, token: 'other' } }, BARE],
      {},
      'two bootstraps of cluster main have begun: m1 has the token begun, m2 other',
    ],
    'a bootstrap of other members is not continued': [
      [{ ...MARKED, marker: { ...MARKER, initialCluster: 'm1=x' } }, BARE, BARE],
      {},
      'the bootstrap of cluster main began with other members: m1=x',
    ],
    'a bootstrap that got as far as serving is known': [
      [serving({ marker: MARKER }), serving({ marker: MARKER }), serving({ marker: MARKER })],
      {},
      'known c1 begun',
    ],
    'it is known too when one has gone since': [
      [serving({ marker: MARKER }), serving({ marker: MARKER }), undefined],
      {},
      'known c1 begun',
    ],
    'and the one that lost its data since is not started again (22)': [
      [serving({ marker: MARKER }), serving({ marker: MARKER }), MARKED],
      {},
      'known c1 begun !m3',
    ],
    'while it has never started, it is': [
      [
        serving({ marker: MARKER, members: [LISTED[0]!, LISTED[1]!, { ...LISTED[2]!, started: false }] }),
        serving({ marker: MARKER }),
        MARKED,
      ].map((one) =>
        one.members ? { ...one, members: [LISTED[0]!, LISTED[1]!, { ...LISTED[2]!, started: false }] } : one,
      ),
      {},
      'resume begun',
    ],
    'data from before the bootstrap is not walked over': [
      [MARKED, STOPPED, MARKED],
      {},
      'cannot tell whether cluster main is new or lost: m2 has member data from before the bootstrap begun',
    ],
    'but while it has no quorum it is not founded yet': [
      [serving({ marker: MARKER }), undefined, undefined],
      {},
      'the bootstrap of main goes on only with all its members, and m2, m3 cannot be reached: data may be there',
    ],
    'nor is a member that has been part of it started again, before all have (22)': [
      [serving({ marker: MARKER }), serving({ marker: MARKER }), MARKED].map((one) =>
        one.members ? { ...one, members: [LISTED[0]!, { ...LISTED[1]!, started: false }, LISTED[2]!] } : one,
      ),
      {},
      'm3 is a known member of cluster main but has no data: replace, do not start',
    ],
    'what was written down last counts': [
      [
        { hasData: true, ledger: LEDGER },
        { hasData: true, ledger: { ...LEDGER, token: 'later', at: '2026-01-02T00:00:00.000Z' } },
        STOPPED,
      ],
      { ledger: LEDGER },
      'known c1 later',
    ],
    'what this controller remembers is a claim too': [
      [known(), known(), known()],
      { ledger: { ...LEDGER, clusterId: 'c2' } },
      "split brain: the member of m1 is of cluster c1, this controller's ledger of cluster c2, and both are declared as main",
    ],
    'whoever serves is not wiped, wherever its data is': [
      [known({ hasData: false }), known(), known()],
      {},
      'known c1 old',
    ],
    'what serves and nobody knows is adopted': [[serving(), serving(), serving()], {}, 'adopted c1 -'],
    'but not by a member that lost its data (9)': [[BARE, serving(), serving()], {}, 'adopted c1 - !m1'],
    'data, no ledger, nobody serving: cannot tell (10)': [
      [STOPPED, BARE, BARE],
      {},
      'cannot tell whether cluster main is new or lost: m1 has member data, but no member serves and no ledger says what it is',
    ],
    'all hosts bare, and this controller remembers: cannot tell (10)': [
      [BARE, BARE, BARE],
      { ledger: LEDGER },
      'cannot tell whether cluster main is new or lost: this controller knows it (c1, since 2026-01-01T00:00:00.000Z), but no member has data or a ledger',
    ],
    'a ledger that cannot be read is not none': [
      [{ hasData: false, ledger: 'damaged' }, BARE, BARE],
      {},
      'what m1 has written down of cluster main cannot be read, so nobody can tell a new cluster from a lost one',
    ],
    'a known cluster goes on': [[known(), known(), known()], {}, 'known c1 old'],
    'and where the controller alone remembers': [[known({}), known(), known()], { ledger: LEDGER }, 'known c1 old'],
    'a known member without data is refused, the others go on (9)': [
      [known(), { hasData: false, ledger: LEDGER }, known()],
      {},
      'known c1 old !m2',
    ],
    'also where it has lost its ledger with it (9, 22)': [[known(), BARE, known()], {}, 'known c1 old !m2'],
    'two wiped of three do not make a new cluster (22)': [[known(), BARE, BARE], {}, 'known c1 old !m2 !m3'],
    'two wiped, the third away, the controller remembers (22)': [
      [BARE, BARE, undefined],
      { ledger: LEDGER },
      'known c1 old !m1 !m2',
    ],
    'a voter that the cluster does not have is refused (11)': [
      [serving({ ledger: LEDGER }), serving(), serving(), BARE],
      { declared: [...DECLARED, { host: 'm4', name: 'm4', peerUrl: 'https://10.0.0.4:2380' }] },
      'm4 (https://10.0.0.4:2380) is declared as a voter, but cluster main has no such member',
    ],
    'also while nobody serves (11)': [
      [{ hasData: true, ledger: LEDGER }, STOPPED, STOPPED, BARE],
      { declared: [...DECLARED, { host: 'm4', name: 'm4', peerUrl: 'https://10.0.0.4:2380' }] },
      'm4 (https://10.0.0.4:2380) is declared as a voter, but cluster main has no such member',
    ],
    'another peer URL is refused (11)': [
      [serving({ ledger: LEDGER }), serving(), serving()],
      { declared: [DECLARED[0]!, DECLARED[1]!, { ...DECLARED[2]!, peerUrl: 'https://10.0.0.9:2380' }] },
      'm3 is declared with the peer URL https://10.0.0.9:2380, but cluster main knows m3 at https://10.0.0.3:2380',
    ],
    'a member that was added may start': [
      [
        ...[serving({ ledger: LEDGER }), serving(), serving()].map((one) => ({
          ...one,
          members: [
            ...LISTED,
            { id: '4', name: '', peerUrls: ['https://10.0.0.4:2380'], started: false, learner: true },
          ],
        })),
        BARE,
      ],
      { declared: [...DECLARED, { host: 'm4', name: 'm4', peerUrl: 'https://10.0.0.4:2380' }] },
      'known c1 old',
    ],
    'a member that nobody declared is not counted, so nothing is': [
      [serving(), serving(), undefined],
      { declared: DECLARED.slice(0, 2) },
      'cluster main has the member m3 at https://10.0.0.3:2380, which is not declared, so nobody here can count its voters',
    ],
    'another name for the same peer URL is refused (13)': [
      [serving(), serving(), serving()],
      { declared: [{ ...DECLARED[0]!, name: 'x1' }, DECLARED[1]!, DECLARED[2]!] },
      'm1 is declared as member x1 of cluster main, but the member with its peer URL https://10.0.0.1:2380 is m1 (1)',
    ],
    'two cluster ids are a split brain': [
      [serving(), serving({}, 'c2'), BARE],
      {},
      'split brain: the member of m1 is of cluster c1, the member of m2 of cluster c2, and both are declared as main',
    ],
    'a member that runs without quorum and is not known says nothing': [
      [{ hasData: true, status: { clusterId: 'c1', healthy: false } as MemberStatus }, BARE, BARE],
      {},
      'a member of cluster main runs, but cannot say who the members are: the cluster has no quorum',
    ],
    'a refused version stops everything': [
      [known(), known(), known()],
      { refusals: [{ refused: 'etcd 3.5.1 is deny-listed', next: 'x' }] },
      'etcd 3.5.1 is deny-listed',
    ],
  };

describe('the beginning', () => {
  test.each(Object.entries(TABLE))('%s', (_promise, [hosts, more, verdict]) => {
    expect(told(judge(hosts, more))).toBe(verdict);
  });
});

const anyMarker = fc.constantFrom<MemberSighting['marker']>(undefined, undefined, MARKER, 'damaged');
const anyLedger = fc.constantFrom<MemberSighting['ledger']>(undefined, undefined, LEDGER, 'damaged');
const anyHost = fc.option(
  fc
    .record({
      hasData: fc.boolean(),
      ledger: anyLedger,
      marker: anyMarker,
      status: fc.constantFrom<MemberStatus | undefined>(undefined, serving().status),
      members: fc.constantFrom<ListedMember[] | undefined>(undefined, LISTED, LISTED.slice(1)),
    })
    .map(
      (one) =>
        Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as unknown as MemberSighting,
    ),
  { nil: undefined },
);
const anything = fc.record({
  hosts: fc.tuple(anyHost, anyHost, anyHost),
  ledger: anyLedger,
  targets: fc.subarray(['m1', 'm2', 'm3']),
  blocked: fc.boolean(),
});

test('a new cluster is founded only where nobody has or remembers anything, everybody is there, and nothing is in the way', () => {
  fc.assert(
    fc.property(anything, ({ hosts, ledger, targets, blocked }) => {
      const { beginning, refusals } = judge(hosts, {
        ...(ledger ? { ledger } : {}),
        targets: new Set(targets),
        obstacles: blocked ? [{ refused: 'x', next: 'y' }] : [],
      });
      const remembered = ledger !== undefined || hosts.some((one) => one?.ledger !== undefined);
      if (beginning.kind === 'bootstrap' || beginning.kind === 'resume') {
        expect(remembered).toBe(false);
        expect(hosts.every((one) => one !== undefined)).toBe(true);
        expect(targets).toHaveLength(3);
        expect(blocked).toBe(false);
      }
      if (beginning.kind === 'bootstrap') {
        expect(hosts.some((one) => one?.hasData || one?.marker || one?.status)).toBe(false);
        expect(beginning.token).toBe('fresh');
      }
      if (beginning.kind === 'resume') expect(beginning.token).toBe(MARKER.token);
      // Whoever may be started without data has never been part of a cluster that anybody remembers.
      if (remembered && beginning.kind !== 'refused' && !hosts.some((one) => one?.members)) {
        hosts.forEach((one, n) => {
          if (one && !one.hasData && !one.status) expect(refusals.has(`m${n + 1}`)).toBe(true);
        });
      }
    }),
    { numRuns: 3000 },
  );
});
