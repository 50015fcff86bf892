// What a snapshot holds, read without etcd; and that no damage stops the reader, or passes for a snapshot.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Damage } from '../../../../src/etcd/snapshot/damage.ts';
import { createKeyCount } from '../../../../src/etcd/snapshot/key-count.ts';
import { readKeyRecord } from '../../../../src/etcd/snapshot/key-value.ts';
import { contentOf, STATUS, snapshotOf, VERSIONS } from './fixtures.ts';

const PAGE = 4096;
const TRAILER = 32;

function databaseOf(version: string): Buffer {
  return snapshotOf(version).subarray(0, -TRAILER);
}

/** The pages in use of a whole database: those that it needs. */
function pageInUse(database: Buffer, page: number): boolean {
  const zeroed = Buffer.from(database);
  zeroed.fill(0, page * PAGE, page * PAGE + 16);
  return !contentOf(zeroed).ok;
}

describe.each(VERSIONS)('a snapshot of etcd %s', (version) => {
  it('is read as its own etcdctl reads it, and its keys are counted by kind', () => {
    const read = contentOf(databaseOf(version), ['/quorate/canary', 'greeting', '/registry/pods/deleted/a']);
    if (!read.ok) throw new Error(read.why);
    const { content } = read;
    expect([Number.parseInt(content.hash, 16), content.records]).toEqual([
      STATUS[version]!.hash,
      STATUS[version]!.totalKey,
    ]);
    expect(content).toMatchObject({ revision: 21, compacted: 17, keys: 399, leases: 1 });
    expect(content.members).toMatchObject([{ name: 'm1', peerUrls: [expect.stringMatching(/^http:/)] }]);
    expect(content.clusterVersion).toBe(`${version.split('.', 2).join('.')}.0`);
    expect(content.prefixes).toEqual({
      '(no prefix)': 1,
      '/quorate': 1,
      '/registry/cert-manager.io/certificates': 50,
      '/registry/configmaps': 46,
      '/registry/events': 50,
      '/registry/leases': 50,
      '/registry/masterleases': 1,
      '/registry/pods': 50,
      '/registry/secrets': 50,
      '/registry/services/endpoints': 50,
      '/registry/services/specs': 50,
    });
    expect([...content.values].map(([key, { value, revision }]) => [key, value.toString(), revision])).toEqual([
      ['greeting', 'hello-4', expect.any(Number)],
      ['/quorate/canary', '{"run":"x"}', 21],
    ]);
  });

  it('is refused, with a reason, when a page that it needs is zeroed, repeated or swapped with another', () => {
    const whole = databaseOf(version);
    const pages = whole.length / PAGE;
    const used = Array.from({ length: pages }, (_, page) => page).filter((page) => pageInUse(whole, page));
    expect(used.length).toBeGreaterThan(8);
    for (const page of used) {
      const other = used[(used.indexOf(page) + 1) % used.length]!;
      const swapped = Buffer.from(whole);
      whole.copy(swapped, page * PAGE, other * PAGE, other * PAGE + PAGE);
      whole.copy(swapped, other * PAGE, page * PAGE, page * PAGE + PAGE);
      const repeated = Buffer.from(whole);
      whole.copy(repeated, page * PAGE, other * PAGE, other * PAGE + PAGE);
      for (const damaged of [swapped, repeated]) {
        expect(contentOf(damaged)).toEqual({ ok: false, why: expect.stringMatching(/\S{2}.*[^.]$/) });
      }
    }
  });

  it('is refused at every length but its own', () => {
    const whole = databaseOf(version);
    const lengths = fc.oneof(
      fc.nat(whole.length - 1),
      fc.nat(whole.length / PAGE - 1).map((pages) => pages * PAGE),
    );
    fc.assert(fc.property(lengths, (length) => !contentOf(whole.subarray(0, length)).ok));
    expect(contentOf(Buffer.concat([whole, Buffer.alloc(PAGE)]))).toMatchObject({ ok: false });
  });

  it('never makes the reader throw or go on without end, whatever its bytes are', () => {
    const whole = databaseOf(version);
    // Where the damage does most: headers and elements of pages, and the meta pages, with checksums left wrong or not.
    const edit = fc.record({
      at: fc.oneof(
        fc.nat(whole.length - 8),
        fc.tuple(fc.nat(whole.length / PAGE - 1), fc.nat(64)).map(([page, at]) => page * PAGE + at),
      ),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.bigInt(0n, 40n).map((id) => {
          const bytes = Buffer.alloc(8);
          bytes.writeBigUInt64LE(id);
          return bytes;
        }),
        fc.constant(Buffer.alloc(8, 0xff)),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 20 }), (edits) => {
        const damaged = Buffer.from(whole);
        for (const { at, bytes } of edits) damaged.set(bytes.slice(0, damaged.length - at), at);
        const read = contentOf(damaged);
        if (!read.ok) expect(read.why).not.toBe('');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a database with pages that lead in circles', () => {
  it('is refused: no page is read twice', () => {
    const damaged = databaseOf(VERSIONS.at(-1)!);
    const branch = Array.from({ length: damaged.length / PAGE }, (_, page) => page * PAGE).find(
      (at) => damaged.readUInt16LE(at + 8) === 1,
    )!;
    expect(branch).toBeGreaterThan(0);
    // The first child of the branch is the branch.
    damaged.writeBigUInt64LE(BigInt(branch / PAGE), branch + 16 + 8);
    expect(contentOf(damaged)).toEqual({ ok: false, why: `page ${branch / PAGE} is used twice` });
  });
});

it('bytes that are no database at all are refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 9000, size: 'max' }), (bytes) => !contentOf(Buffer.from(bytes)).ok));
});

describe('a record', () => {
  const revision = (main: number) => {
    const bytes = Buffer.alloc(17, 0x5f);
    bytes.writeBigUInt64BE(BigInt(main), 0);
    bytes.writeBigUInt64BE(0n, 9);
    return bytes;
  };
  // Fields of mvccpb.KeyValue: 0x0a the key, 0x10 created in, 0x18 modified in, 0x2a the value.
  const whole = [0x0a, 1, 0x61, 0x10, 7, 0x18, 7, 0x2a, 2, 0x68, 0x69];

  it.each<[string, number[], string]>([
    ['that ends within its value', whole.slice(0, -1), 'the record of revision 7 cannot be decoded'],
    [
      'with a number without an end',
      [...whole.slice(0, 4), ...Array(11).fill(0xff)],
      'the record of revision 7 cannot be decoded',
    ],
    [
      'with a field of a kind that it has not',
      [...whole, 0x35, 1, 1, 1, 1],
      'the record of revision 7 cannot be decoded',
    ],
    ['without a key', whole.slice(3), 'the record of revision 7 has no key'],
    ['of another revision', whole.with(6, 8), 'the record of revision 7 is of another revision'],
  ])('%s is damage', (_, bytes, why) => {
    const read = () => readKeyRecord({ key: revision(7), value: Buffer.from(bytes), bucket: false });
    expect(read).toThrow(new Damage(why));
    expect(readKeyRecord({ key: revision(7), value: Buffer.from(whole), bucket: false })).toMatchObject({
      revision: 7,
      deleted: false,
      key: Buffer.from('a'),
      value: Buffer.from('hi'),
    });
  });

  it('with nothing in it is no damage: it is the raised revision of a cluster that was restored', () => {
    const record = readKeyRecord({ key: revision(1_000_000_021), value: Buffer.alloc(0), bucket: false });
    expect(record).toMatchObject({ revision: 1_000_000_021, deleted: false, key: Buffer.alloc(0) });
    const count = createKeyCount(['']);
    count.take({ revision: 21, deleted: false, key: Buffer.from('/a/b'), value: Buffer.from('x') });
    count.take(record);
    expect([count.revision, count.count, count.prefixes(), count.values.size]).toEqual([
      1_000_000_021,
      1,
      { '/a': 1 },
      0,
    ]);
  });

  it('whose value reaches out of its page is damage', () => {
    const damaged = databaseOf(VERSIONS.at(-1)!);
    const leaf = Array.from({ length: damaged.length / PAGE }, (_, page) => page * PAGE).find(
      (at) => at > 0 && damaged.readUInt16LE(at + 8) === 2 && pageInUse(damaged, at / PAGE),
    )!;
    const last = leaf + 16 + (damaged.readUInt16LE(leaf + 10) - 1) * 16;
    damaged.writeUInt32LE(damaged.readUInt32LE(last + 12) + PAGE, last + 12);
    expect(contentOf(damaged)).toEqual({ ok: false, why: 'an element points out of its page' });
  });
});
