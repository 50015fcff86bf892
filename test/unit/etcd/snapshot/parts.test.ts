// The parts of reading and naming snapshots, each by its tables and properties.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/etcd/snapshot/crc32c.ts';
import { KeySet } from '../../../../src/etcd/snapshot/key-set.ts';
import { formatSnapshotName, parseSnapshotName, receiptName } from '../../../../src/etcd/snapshot/name.ts';
import { prefixOf } from '../../../../src/etcd/snapshot/prefix.ts';
import { createTrailerCheck } from '../../../../src/etcd/snapshot/trailer.ts';
import { sign } from './fixtures.ts';

function check(bytes: Uint8Array, cuts: number[] = []) {
  const trailer = createTrailerCheck();
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let from = 0;
  for (const end of ends) {
    trailer.take(bytes.subarray(from, end));
    from = end;
  }
  return trailer.finish();
}

describe('the trailer', () => {
  const database = fc.integer({ min: 1, max: 8 }).chain((sectors) => {
    const length = sectors * 512;
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
  });

  it('is found and right however the file is cut into chunks, and the sha256 is that of the whole file', () => {
    fc.assert(
      fc.property(database, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => {
        const file = sign(bytes);
        const sha256 = createHash('sha256').update(file).digest('hex');
        expect(check(file, cuts)).toEqual({ ok: true, size: file.length, sha256 });
      }),
    );
  });

  it('is wrong after any flipped bit, and after any cut', () => {
    fc.assert(
      fc.property(database, fc.nat(), fc.nat(7), fc.nat(), (bytes, at, bit, length) => {
        const file = sign(bytes);
        const flipped = Buffer.from(file);
        flipped[at % file.length]! ^= 1 << bit;
        expect(check(flipped).ok).toBe(false);
        expect(check(file.subarray(0, length % file.length)).ok).toBe(false);
      }),
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'it is 0 bytes long, which no snapshot is'],
    ['a copied database', Buffer.alloc(1024), 'it has no sha256 at its end: it is a copy of a database, or was cut'],
    ['a cut one', Buffer.alloc(1000), 'it is 1000 bytes long, which is no whole pages and a sha256: it was cut'],
  ])('says of %s what it is', (_, file, why) => {
    expect(check(file)).toEqual({ ok: false, size: file.length, why });
  });
});

describe('a name', () => {
  it('comes back as it was given', () => {
    const time = fc.date({ min: new Date('2000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true });
    const name = fc.record({ clusterId: fc.stringMatching(/^[0-9a-f]{1,16}$/), revision: fc.nat(), time });
    fc.assert(
      fc.property(name, (given) => {
        given.time.setUTCMilliseconds(0);
        expect(parseSnapshotName(formatSnapshotName(given))).toEqual(given);
      }),
    );
  });

  it('is safe in a path and has its receipt beside it', () => {
    const name = formatSnapshotName({ clusterId: 'cdf818194e3a8c32', revision: 7, time: new Date(0) });
    expect(name).toBe('cdf818194e3a8c32-r7-19700101T000000Z.db');
    expect(receiptName(name)).toBe('cdf818194e3a8c32-r7-19700101T000000Z.receipt.json');
  });

  it.each([
    'snapshot.db',
    '.cdf8-r7-19700101T000000Z.db.part',
    'cdf8-r7-19700101T000000Z.receipt.json',
    'cdf8-r7-19701301T000000Z.db',
  ])('%s is no snapshot of ours', (name) => expect(parseSnapshotName(name)).toBeUndefined());
});

it.each([
  ['/registry/pods/default/web', '/registry/pods'],
  ['/registry/namespaces/default', '/registry/namespaces'],
  ['/registry/services/specs/default/kubernetes', '/registry/services/specs'],
  ['/registry/cert-manager.io/certificates/default/web', '/registry/cert-manager.io/certificates'],
  ['/registry/minions/node.example.com', '/registry/minions'],
  ['/registry/ranges/serviceips', '/registry/ranges'],
  ['/quorate/canary', '/quorate'],
  ['calico/resources/x', 'calico/resources'],
  ['load/7', 'load'],
  ['/', '(no prefix)'],
  ['greeting', '(no prefix)'],
  ['', '(no prefix)'],
])('%s is of the kind %s', (key, prefix) => expect(prefixOf(key)).toBe(prefix));

it('a set of keys is a set', () => {
  const step = fc.tuple(fc.boolean(), fc.nat(3000).map(String));
  fc.assert(
    fc.property(fc.array(step, { minLength: 2000, maxLength: 3000, size: 'max' }), (steps) => {
      const [ours, model] = [new KeySet(), new Set<string>()];
      for (const [add, key] of steps) {
        if (add) expect(ours.add(Buffer.from(key))).toBe(!model.has(key));
        else expect(ours.delete(Buffer.from(key))).toBe(model.has(key));
        if (add) model.add(key);
        else model.delete(key);
      }
    }),
    { numRuns: 5 },
  );
});

it("the checksum is CRC-32C: RFC 3720's check value, in one piece or in two", () => {
  const bytes = Buffer.from('123456789');
  expect(crc32c(bytes).toString(16)).toBe('e3069283');
  expect(crc32c(bytes.subarray(4), crc32c(bytes.subarray(0, 4)))).toBe(crc32c(bytes));
});
