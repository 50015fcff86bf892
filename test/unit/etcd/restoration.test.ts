// The identity of a restored cluster, and every reason not to restore it.
import { describe, expect, it, test } from 'vitest';
import { clusterIdOf, memberIdOf } from '../../../src/etcd/identity.ts';
import { formatLedger, type Ledger, parseLedger } from '../../../src/etcd/ledger.ts';
import {
  canBump,
  isRestored,
  type RestoreKnowledge,
  type RestoreSighting,
  type RestoreWish,
  restoredLedger,
  restoreToken,
  type SnapshotOrigin,
} from '../../../src/etcd/restoration.ts';
import { refuseRestore } from '../../../src/etcd/restoration-refusals.ts';
import type { ClusterView, Refusal } from '../../../src/modules/module.ts';

// What etcd 3.4.23, 3.5.16 and 3.5.30 logged for `--initial-cluster rehearsal=unix://peer:1 --initial-cluster-token tok`.
it('knows the ids that etcd will give', () => {
  expect(memberIdOf('unix://peer:1', 'tok')).toBe('d49789ef7f9c473');
  expect(clusterIdOf(['d49789ef7f9c473'])).toBe('82e5ba8c46bbb252');
});

it('has the same cluster id in whatever order its members are given', () => {
  expect(clusterIdOf(['ff00000000000000', '1'])).toBe(clusterIdOf(['1', 'ff00000000000000']));
});

it('has another token for another cluster, snapshot or generation, and the same for the same', () => {
  const tokens = [
    restoreToken('main', 'a'.repeat(64), 1),
    restoreToken('main', 'a'.repeat(64), 2),
    restoreToken('main', 'b'.repeat(64), 1),
    restoreToken('events', 'a'.repeat(64), 1),
  ];
  expect(new Set(tokens).size).toBe(4);
  expect(restoreToken('main', 'a'.repeat(64), 1)).toBe(tokens[0]);
});

test.each([
  ['3.4.23', false],
  ['3.4.26', false],
  ['3.4.27', true],
  ['3.5.9', false],
  ['3.5.10', true],
  ['3.5.30', true],
  ['3.6.0', true],
])('etcd %s raises revisions: %s', (version, can) => expect(canBump(version)).toBe(can));

const SHA = 'a'.repeat(64);
const WISH: RestoreWish = {
  cluster: 'main',
  name: 'm1',
  snapshot: '/mnt/etcd/snapshot.db',
  dataDir: '/var/lib/etcd',
  walDir: '/wal',
  generation: 1,
  sha256: null,
  without: [],
  version: '3.5.30',
};
const ORIGIN: SnapshotOrigin = { cluster: { name: 'main', id: 'c0' }, sha256: SHA, etcdVersion: '3.5.16', revision: 9 };
const BARE: RestoreSighting = {
  data: 'none',
  memberIds: [],
  wal: 'none',
  running: [],
  snapshot: { size: 1000, sha256: SHA, whole: true },
  ledger: '',
  programs: new Map([['etcdutl', { path: '/bin/etcdutl', version: '3.5.30' }]]),
  freeBytes: 2 ** 40,
  receipt: ORIGIN,
};
const VIEW: ClusterView = {
  name: 'main',
  members: ['m1', 'm2'].map((host, index) => ({
    host,
    name: host,
    peerUrl: `https://10.0.0.${index + 1}:2380`,
    reachable: true,
    healthy: false,
    leader: false,
  })),
};
const NEW = restoredLedger(WISH, SHA, VIEW, both());
const [OWN, PEER] = NEW.members.map(({ id }) => id);
const OLD: Ledger = { cluster: 'main', clusterId: 'c0', members: [{ name: 'm1', id: '1', peerUrl: 'x' }], at: 'then' };
const flat = (ledger: Ledger) => formatLedger(ledger).replaceAll('\n', '');

function both(
  own: Partial<RestoreSighting> = {},
  peer: Partial<RestoreSighting> = {},
  ledger?: Ledger,
): RestoreKnowledge {
  return {
    ...(ledger ? { ledger } : {}),
    members: [
      { host: 'm1', seen: { ...BARE, ...own } },
      { host: 'm2', seen: { ...BARE, ...peer } },
    ],
  };
}

type Sight = Partial<RestoreSighting>;
const done = (id: string | undefined): Sight => ({
  data: 'member',
  memberIds: [id!],
  snapshot: 'unread',
  ledger: flat(NEW),
});

describe('a restore', () => {
  test.each<[string, Sight, Sight, Ledger | undefined]>([
    ['with nothing in its way', {}, {}, undefined],
    ['into empty directories', { data: 'empty', wal: 'empty' }, {}, undefined],
    ['without a receipt', { receipt: undefined as never }, {}, OLD],
    ['of the cluster that was', { ledger: flat(OLD) }, {}, OLD],
    ['that another host has behind it', {}, done(PEER), OLD],
    [
      'that another host has behind it, whose etcd its kubelet has started',
      {},
      { ...done(PEER), running: ['etcd'] },
      OLD,
    ],
    [
      'of which only the ledger is missing',
      { data: 'member', memberIds: [OWN!], wal: 'files', ledger: flat(OLD) },
      done(PEER),
      OLD,
    ],
  ])('%s goes on', (_what, own, peer, ledger) => {
    const known = both(own, peer, ledger);
    expect(refuseRestore(WISH, known.members[0]!.seen!, VIEW, known)).toBeUndefined();
  });

  const other: SnapshotOrigin = { ...ORIGIN, sha256: 'b'.repeat(64) };
  test.each<[string, Sight, Sight, Ledger | undefined, RegExp]>([
    ['data', { data: 'member', snapshot: 'unread' }, {}, undefined, /^m1 has data of etcd in \/var\/lib\/etcd/],
    ['data of no ledger', { data: 'member', memberIds: ['9'] }, {}, undefined, /^m1 has data of etcd/],
    ['files that are no member', { data: 'other' }, {}, undefined, /^m1 has data of etcd/],
    ["another member's data", {}, { data: 'member', memberIds: ['9'] }, undefined, /^m2 has data of etcd/],
    ['a log', { wal: 'files' }, {}, undefined, /^m1 has a log of etcd in \/wal/],
    ['an apiserver', {}, { running: ['kube-apiserver'] }, undefined, /^kube-apiserver still runs on m2$/],
    ['no snapshot', {}, { snapshot: 'absent' }, undefined, /^there is no snapshot .* on m2$/],
    [
      'a damaged one',
      { snapshot: { size: 1, sha256: SHA, whole: false } },
      {},
      undefined,
      /on m1 is no whole snapshot/,
    ],
    [
      'another one',
      {},
      { snapshot: { size: 1, sha256: 'b'.repeat(64), whole: true }, receipt: other },
      undefined,
      /^snapshot sha256 on m2 differs from m1/,
    ],
    ['one that is not its receipt’s', { receipt: other }, {}, undefined, /on m1 is not the file of its receipt/],
    ['a receipt that is none', { receipt: 'damaged' }, {}, undefined, /^the receipt beside .* cannot be read$/],
    [
      'events',
      { receipt: { ...ORIGIN, cluster: { name: 'events', id: 'c0' } } },
      {},
      undefined,
      /^the snapshot is of the cluster events by its receipt/,
    ],
    [
      'another lineage',
      { receipt: { ...ORIGIN, cluster: { name: 'main', id: 'c9' } } },
      {},
      OLD,
      /^the snapshot is of the cluster c9 .* has never been \(c0\)$/,
    ],
    [
      'its own token, and lost data',
      { ledger: flat(NEW) },
      {},
      undefined,
      /^token reused: .*restore_generation 1, and the member of m1/,
    ],
    [
      "the controller's memory of the token",
      {},
      {},
      { ...NEW, at: 'x' },
      /^token reused: .*this controller has seen it serve$/,
    ],
    [
      'another minor version',
      { receipt: { ...ORIGIN, etcdVersion: '3.4.23' } },
      {},
      undefined,
      /^the snapshot is of etcd 3.4.23, and etcd_version is 3.5.30$/,
    ],
    ['no etcdutl', { programs: new Map() }, {}, undefined, /^there is no etcdutl/],
    [
      'an older etcdutl',
      { programs: new Map([['etcdutl', { path: '/x', version: '3.6.1' }]]) },
      {},
      undefined,
      /^etcd 3.5 is to be restored, and etcdutl is 3.6.1$/,
    ],
    ['no room', { freeBytes: 2 ** 20 }, {}, undefined, /a disk with 1 MiB free, and 161 MiB are needed$/],
  ])('is refused by %s', (_what, own, peer, ledger, why) => {
    const known = both(own, peer, ledger);
    const refusal = refuseRestore(WISH, known.members[0]!.seen!, VIEW, known) as Refusal;
    expect([refusal?.refused, refusal?.next]).toEqual([expect.stringMatching(why), expect.stringMatching(/./)]);
  });

  it('is refused while a member answers, or cannot be asked, or is not declared', () => {
    const serving = {
      ...VIEW,
      members: VIEW.members.map((each, index) => (index === 1 ? { ...each, version: '3.5.30' } : each)),
    };
    expect(refuseRestore(WISH, BARE, serving, both())?.refused).toMatch(/^m2 still answers: /);
    const away = { members: [both().members[0]!, { host: 'm2' }] };
    expect(refuseRestore(WISH, BARE, VIEW, away)?.refused).toMatch(/, and m2 cannot be asked/);
    expect(refuseRestore({ ...WISH, name: 'm9' }, BARE, VIEW, both())?.refused).toMatch(/^m9 is no member/);
    expect(refuseRestore(WISH, BARE, { ...VIEW, name: 'events' }, both())?.refused).toMatch(/^m1 is no member/);
  });
});

describe('what is written down', () => {
  it('names every cluster that it takes the place of, by all that is known', () => {
    const earlier = { ...OLD, clusterId: 'c5', restored: { sha256: SHA, generation: 1, former: ['c4'] } };
    const { restored, clusterId } = restoredLedger(WISH, SHA, VIEW, both({ ledger: flat(earlier) }, {}, OLD));
    expect(restored).toEqual({ sha256: SHA, generation: 1, former: ['c0', 'c4', 'c5'] });
    expect(restored!.former).not.toContain(clusterId);
  });

  it('is read back as it was written, and half of it is damaged', () => {
    expect(parseLedger(formatLedger({ ...NEW, at: 'x' }))).toEqual({ ...NEW, at: 'x' });
    expect(parseLedger(formatLedger(NEW).replace('"former"', '"for"'))).toBe('damaged');
  });

  it('and the data together say that it is done; one alone does not', () => {
    expect(isRestored({ ...BARE, ...done(OWN) }, 'm1')).toBe(true);
    expect(isRestored({ ...BARE, ...done(PEER) }, 'm1')).toBe(false);
    expect(isRestored({ ...BARE, ledger: flat(NEW) }, 'm1')).toBe(false);
    expect(isRestored({ ...BARE, ...done('1'), ledger: flat(OLD) }, 'm1')).toBe(false);
  });
});

test('the ledger remembers whom the restore has left out, and parses as it was written', () => {
  const view = { name: 'main', members: [{ host: 'm1', name: 'm1', peerUrl: 'https://10.0.0.1:2380' }] } as ClusterView;
  const ledger = restoredLedger({ ...WISH, without: ['m3', 'm2'] }, SHA, view, { members: [] });
  expect(ledger.restored?.without).toEqual(['m2', 'm3']);
  expect(parseLedger(formatLedger(ledger))).toEqual(ledger);
  expect(parseLedger(formatLedger(ledger).replace('"m2"', '2'))).toBe('damaged');
  expect(restoredLedger(WISH, SHA, view, { members: [] }).restored).not.toHaveProperty('without');
});
