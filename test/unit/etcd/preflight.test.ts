import { expect, test } from 'vitest';
import { type HostPreflight, preflight } from '../../../src/etcd/preflight.ts';
import { compareVersions, faultsOf } from '../../../src/etcd/versions.ts';

const GIB = 2 ** 30;

function host(name: string, more: Partial<HostPreflight> = {}): HostPreflight {
  return {
    host: name,
    hasData: false,
    leastFreeBytes: 2 * GIB,
    freeBytes: 9 * GIB,
    busyPorts: [],
    mostClockSkew: 1,
    ...more,
  };
}

function said(hosts: HostPreflight[]) {
  const { obstacles, refusals, warnings } = preflight(hosts);
  return [...obstacles, ...refusals].map(({ refused }) => refused).concat(warnings);
}

test('three sound hosts have nothing to say', () => {
  expect(said([host('m1'), host('m2'), host('m3')])).toEqual([]);
});

test.each<[string, HostPreflight[], string[]]>([
  [
    'a busy port is told with who holds it',
    [host('m1', { busyPorts: [{ port: 2379, holder: 'nginx (pid 812)' }, { port: 2380 }] })],
    ['port 2379 of m1 is taken by nginx (pid 812), and etcd needs it', 'port 2380 of m1 is taken, and etcd needs it'],
  ],
  ['its own etcd may hold its ports', [host('m1', { hasData: true, busyPorts: [{ port: 2379 }] })], []],
  [
    'too little space',
    [host('m1', { freeBytes: 100 * 2 ** 20 })],
    ["m1 has 100 MiB free for etcd's data, and at least 2.0 GiB are wanted"],
  ],
  [
    'clocks that certainly differ too much',
    [host('m1', { clock: { atLeast: -20, atMost: 10 } }), host('m2', { clock: { atLeast: 2510, atMost: 2600 } })],
    ['the clock of m2 is at least 2.5 s ahead of that of m1, and 1 s are allowed'],
  ],
  [
    'a clock for which a certificate that is made now begins tomorrow',
    [host('m1', { mostBehind: 300, clock: { atLeast: -400_000, atMost: -300_500 } })],
    [
      "the clock of m1 is at least 300 s behind this controller's, so certificates made here now would not be valid there yet",
    ],
  ],
  [
    'one that may be only as far behind as certificates begin',
    [host('m1', { mostBehind: 300, clock: { atLeast: -400_000, atMost: -299_000 } })],
    [],
  ],
  ['one whose certificates are made elsewhere', [host('m1', { clock: { atLeast: -400_000, atMost: -300_500 } })], []],
  [
    'a slow answer is no skew',
    [host('m1', { clock: { atLeast: -4000, atMost: 10 } }), host('m2', { clock: { atLeast: -10, atMost: 5000 } })],
    [],
  ],
  [
    'a deny-listed version that is to come',
    [host('m1', { wanted: '3.4.18' })],
    ['etcd 3.4.18 is deny-listed for members that disagree about the data (etcd issue 14211)'],
  ],
  [
    'one that runs already is told, and may be changed',
    [host('m1', { wanted: '3.4.18', running: '3.4.18' })],
    ['etcd 3.4.18 is deny-listed for members that disagree about the data (etcd issue 14211); use 3.4.37 or later'],
  ],
  [
    'a downgrade over a minor',
    [host('m1', { wanted: '3.4.30', running: '3.5.30' })],
    ['m1 runs etcd 3.5.30, and 3.4.30 is declared: a member cannot go back to an older minor version'],
  ],
  [
    'an upgrade over two minors',
    [host('m1', { wanted: '3.6.5', running: '3.4.30' }), host('m2', { wanted: '3.6.5', running: '3.5.30' })],
    [
      'm1 runs etcd 3.4.30, and 3.6.5 is declared: a member goes up one minor version at a time',
      'the members run etcd 3.4 and 3.5: finish the upgrade soon',
    ],
  ],
  [
    'a downgrade within a minor, and members of two minors',
    [host('m1', { wanted: '3.5.26', running: '3.5.30' }), host('m2', { running: '3.6.5' })],
    ['m1 would go back from etcd 3.5.30 to 3.5.26', 'the members run etcd 3.5 and 3.6: finish the upgrade soon'],
  ],
])('%s', (_promise, hosts, expected) => {
  expect(said(hosts)).toEqual(expected);
});

test.each([
  ['3.4.17', []],
  ['3.4.18', ['refused']],
  ['3.4.23', []],
  ['3.5.0', ['refused', 'warned', 'warned', 'warned']],
  ['3.5.2', ['refused', 'warned', 'warned', 'warned']],
  ['3.5.3', ['warned', 'warned', 'warned']],
  ['3.5.6', ['warned', 'warned']],
  ['3.5.16', ['warned', 'warned']],
  ['3.5.17', ['warned']],
  ['3.5.22', ['warned']],
  ['3.5.23', []],
  ['3.6.4', ['warned']],
  ['3.6.5', []],
])('%s: %j', (version, verdicts) => {
  expect(faultsOf(version).map(({ verdict }) => verdict)).toEqual(verdicts);
});

test('versions are compared number by number', () => {
  expect(['3.5.9', '3.10.0', '3.5.16', '3.4.23'].sort(compareVersions)).toEqual([
    '3.4.23',
    '3.5.9',
    '3.5.16',
    '3.10.0',
  ]);
});
