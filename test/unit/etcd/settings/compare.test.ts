// What counts as a difference between the pillar and an etcd that others have set up, and what does not.
import { describe, expect, it } from 'vitest';
import { compareSettings } from '../../../../src/etcd/settings/compare.ts';
import type { Launch } from '../../../../src/etcd/settings/launch.ts';

const launch = (flags: { [flag: string]: string }, more: Partial<Launch> = {}): Launch => ({
  flags: new Map(Object.entries(flags)),
  places: new Map(),
  program: 'etcd',
  edit: () => [],
  ...more,
});
const compare = (wanted: { [flag: string]: string }, seen: { [flag: string]: string }, version = '3.5.30') =>
  compareSettings({ flags: new Map(Object.entries(wanted)), version }, launch(seen)).map(
    ({ path, before, after }) => `${path}: ${before} → ${after}`,
  );

describe('no difference', () => {
  it.each([
    ['what etcd does anyhow', { 'heartbeat-interval': '100', 'election-timeout': '1000' }, {}],
    ['a quota of 0, which is the default', { 'quota-backend-bytes': '2147483648' }, { 'quota-backend-bytes': '0' }],
    ['another word for true', { 'client-cert-auth': 'true' }, { 'client-cert-auth': '1' }],
    ['what only the beginning looks at', {}, { 'initial-cluster': 'x', 'initial-cluster-state': 'new' }],
    [
      'more addresses',
      { 'listen-peer-urls': 'https://192.0.2.11:2380' },
      { 'listen-peer-urls': 'https://0.0.0.0:2380' },
    ],
    [
      'another order of addresses',
      { 'listen-client-urls': 'https://127.0.0.1:2379,https://192.0.2.11:2379' },
      { 'listen-client-urls': 'https://192.0.2.11:2379,https://127.0.0.1:2379,http://127.0.0.1:4001' },
    ],
    ['no port for metrics', { 'listen-metrics-urls': 'http://127.0.0.1:2381' }, {}],
  ])('%s', (_what, wanted: { [flag: string]: string }, seen: { [flag: string]: string }) => {
    expect(compare(wanted, seen)).toEqual([]);
  });

  it('the default of a version', () => {
    expect(compare({ 'snapshot-count': '100000' }, {}, '3.5.30')).toEqual([]);
    expect(compare({ 'snapshot-count': '10000' }, {}, '3.6.1')).toEqual([]);
    expect(compare({ 'snapshot-count': '10000' }, {}, '3.5.30')).toEqual(['--snapshot-count: null → 10000']);
  });
});

describe('a difference', () => {
  it.each([
    ['another value', { 'snapshot-count': '2' }, { 'snapshot-count': '1' }, ['--snapshot-count: 1 → 2']],
    ['a flag that the pillar does not have', {}, { 'max-wals': '3' }, ['--max-wals: 3 → null']],
    ['a flag that etcd does not have', { 'max-wals': '3' }, {}, ['--max-wals: null → 3']],
    [
      'an address that it does not listen at',
      { 'listen-client-urls': 'https://127.0.0.1:2379,https://192.0.2.11:2379' },
      { 'listen-client-urls': 'https://192.0.2.11:2379' },
      ['--listen-client-urls: https://192.0.2.11:2379 → https://127.0.0.1:2379,https://192.0.2.11:2379'],
    ],
    [
      'another port',
      { 'listen-metrics-urls': 'http://127.0.0.1:2381' },
      { 'listen-metrics-urls': 'http://0.0.0.0:9000' },
      ['--listen-metrics-urls: http://0.0.0.0:9000 → http://127.0.0.1:2381'],
    ],
    [
      'an address for all, advertised',
      { 'advertise-client-urls': 'https://192.0.2.11:2379' },
      { 'advertise-client-urls': 'https://0.0.0.0:2379' },
      ['--advertise-client-urls: https://0.0.0.0:2379 → https://192.0.2.11:2379'],
    ],
    ['clients without a certificate', { 'client-cert-auth': 'true' }, {}, ['--client-cert-auth: null → true']],
  ])('%s', (_what, wanted: { [flag: string]: string }, seen: { [flag: string]: string }, changes) => {
    expect(compare(wanted, seen)).toEqual(changes);
  });

  it('an annotation that is wanted, and no other', () => {
    const seen = launch({}, { annotations: { a: '1', theirs: 'x' } });
    const annotations = { a: '2', b: '3' };
    expect(compareSettings({ flags: new Map(), annotations }, seen)).toEqual([
      { path: 'annotations.a', before: '1', after: '2' },
      { path: 'annotations.b', before: null, after: '3' },
    ]);
  });

  it('image, program and each quantity, only where the pillar speaks of them', () => {
    const seen = launch({}, { image: 'a', resources: { requests: { cpu: '1', memory: '1Gi' } }, program: '/a/etcd' });
    const flags = new Map<string, string>();
    expect(compareSettings({ flags }, seen)).toEqual([]);
    expect(
      compareSettings(
        { flags, image: 'b', program: '/b/etcd', resources: { requests: { cpu: '2' }, limits: { cpu: '3' } } },
        seen,
      ),
    ).toEqual([
      { path: 'program', before: '/a/etcd', after: '/b/etcd' },
      { path: 'image', before: 'a', after: 'b' },
      { path: 'resources.requests.cpu', before: '1', after: '2' },
      { path: 'resources.requests.memory', before: '1Gi', after: null },
      { path: 'resources.limits.cpu', before: null, after: '3' },
    ]);
  });
});
