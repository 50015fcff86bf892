import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatLedger,
  formatMarker,
  type Ledger,
  ledgerNames,
  parseLedger,
  parseMarker,
  sameLedger,
} from '../../../src/etcd/ledger.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);
const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((value) => value.toString(16));
const ledger: fc.Arbitrary<Ledger> = fc
  .record({
    cluster: name,
    clusterId: id,
    token: fc.option(fc.uuid(), { nil: undefined }),
    members: fc.array(fc.record({ name, id, peerUrl: fc.webUrl() }), { minLength: 1, maxLength: 5 }),
    at: fc.constant('2026-01-01T00:00:00.000Z'),
  })
  .map(({ token, ...rest }) => ({ ...rest, ...(token === undefined ? {} : { token }) }));

test('a ledger is read back as it was written, on one line or several', () => {
  fc.assert(
    fc.property(ledger, (written) => {
      const text = formatLedger(written);
      expect(parseLedger(text)).toEqual(written);
      expect(parseLedger(text.replaceAll('\n', ''))).toEqual(written);
      expect(text.endsWith('\n')).toBe(true);
    }),
  );
});

test('a shell finds in a ledger exactly the members that it names, in whatever order they are declared', () => {
  fc.assert(
    fc.property(ledger, ledger, (one, other) => {
      expect(formatLedger(one)).toContain(ledgerNames(one.members.toReversed()));
      const same = ledgerNames(one.members) === ledgerNames(other.members);
      expect(formatLedger(one).includes(ledgerNames(other.members))).toBe(same);
    }),
  );
});

test('half of a ledger is damaged, not another one', () => {
  fc.assert(
    fc.property(ledger, fc.nat(), (written, at) => {
      const text = formatLedger(written).trimEnd();
      expect(parseLedger(text.slice(0, at % text.length))).toBe('damaged');
    }),
  );
});

test.each([
  '',
  'null',
  '[]',
  '{"quorate":"ledger","schema":2,"cluster":"main","clusterId":"c1","members":[{"name":"m1","id":"1","peerUrl":"u"}],"at":"x"}',
  formatMarker({ cluster: 'main', token: 't', initialCluster: '' }),
  '{"quorate":"ledger","schema":1,"cluster":"main","clusterId":"c1","members":[],"at":"x"}',
  '{"quorate":"ledger","schema":1,"cluster":"main","clusterId":"c1","members":[{"name":"m1"}],"at":"x"}',
  '{"quorate":"ledger","schema":1,"cluster":"main","clusterId":"xyz","members":[{"name":"m1","id":"1","peerUrl":"u"}],"at":"x"}',
])('%j is no ledger', (text) => {
  expect(parseLedger(text)).toBe('damaged');
});

test('a marker is read back as it was written; anything else is damaged', () => {
  const marker = { cluster: 'main', token: 'abc', initialCluster: 'm1=https://10.0.0.1:2380' };
  expect(parseMarker(formatMarker(marker))).toEqual(marker);
  for (const text of ['', '{}', '{"quorate":"bootstrap","schema":1,"cluster":"main","token":"","initialCluster":""}'])
    expect(parseMarker(text)).toBe('damaged');
});

test('two ledgers are the same whenever they were written', () => {
  fc.assert(
    fc.property(ledger, (one) => {
      expect(sameLedger(one, { ...one, at: 'later' })).toBe(true);
      expect(sameLedger(one, { ...one, clusterId: `${one.clusterId === '1' ? '2' : '1'}` })).toBe(false);
    }),
  );
});
