// The CA on the controller: there whole or not at all, its key for nobody else, and never made twice.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepAuthorities } from '../../../src/pki/keeper.ts';

const WISH = { commonName: 'etcd-ca', organization: 'main', days: 10 };

let home: string;
let cluster: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'quorate-keeper-'));
  cluster = join(home, 'pki/main');
});
afterEach(() => rmSync(home, { recursive: true }));

const file = (name: string) => join(cluster, 'etcd', name);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

async function make(): Promise<void> {
  const made = await keepAuthorities(cluster).make('etcd', WISH);
  if (!made.ok) throw new Error(made.failures[0]!.message);
}

it('reading makes nothing', async () => {
  expect(await keepAuthorities(cluster).read('etcd')).toEqual({ ok: true, value: undefined });
  expect(readdirSync(home)).toEqual([]);
});

it('a CA is two files in a directory of its own, all of them for their owner alone', async () => {
  await make();
  expect(readdirSync(cluster)).toEqual(['etcd']);
  expect(readdirSync(join(cluster, 'etcd'))).toEqual(['ca.crt', 'ca.key']);
  expect([join(home, 'pki'), cluster, join(cluster, 'etcd'), file('ca.key')].map(modeOf)).toEqual([
    '700',
    '700',
    '700',
    '600',
  ]);
  const read = await keepAuthorities(cluster).read('etcd');
  expect(read).toMatchObject({ ok: true, value: { certificate: readFileSync(file('ca.crt'), 'utf8') } });
  expect(JSON.stringify(read)).not.toContain('PRIVATE');
});

it('a CA that is there is never written again, by how many at once', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => keepAuthorities(cluster).make('etcd', WISH)));
  expect(new Set(made.map((each) => each.ok && each.value.certificate)).size).toBe(1);
  const before = [readFileSync(file('ca.crt')), readFileSync(file('ca.key'))];
  await make();
  expect([readFileSync(file('ca.crt')), readFileSync(file('ca.key'))]).toEqual(before);
  expect(readdirSync(cluster)).toEqual(['etcd']);
});

describe('refuses, and makes nothing in its place,', () => {
  it.each<[string, () => void, RegExp]>([
    ['a key that others can read', () => chmodSync(file('ca.key'), 0o640), /ca\.key may be read by others.*mode 0640/],
    ['a CA without its key', () => rmSync(file('ca.key')), /ca\.key is missing/],
    ['a key without its CA', () => rmSync(file('ca.crt')), /ca\.crt is missing/],
    ['a certificate that is none', () => writeFileSync(file('ca.crt'), 'x'), /ca\.crt holds no CA certificate/],
    ['a key that is none', () => writeFileSync(file('ca.key'), 'x'), /ca\.key is not the key of/],
  ])('%s', async (_what, damage, message) => {
    await make();
    damage();
    const before = readdirSync(join(cluster, 'etcd')).map((name) => readFileSync(file(name), 'utf8'));
    for (const attempt of [
      await keepAuthorities(cluster).read('etcd'),
      await keepAuthorities(cluster).make('etcd', WISH),
    ]) {
      expect(attempt).toMatchObject({
        ok: false,
        failures: [{ reason: 'guard', message: expect.stringMatching(message) }],
      });
    }
    expect(readdirSync(join(cluster, 'etcd')).map((name) => readFileSync(file(name), 'utf8'))).toEqual(before);
  });

  it('the key of another CA', async () => {
    await make();
    const other = keepAuthorities(join(home, 'pki/other'));
    await other.make('etcd', WISH);
    writeFileSync(file('ca.key'), readFileSync(join(other.place('etcd'), 'ca.key')));
    expect(await keepAuthorities(cluster).read('etcd')).toMatchObject({ ok: false, failures: [{ reason: 'guard' }] });
  });
});

it('a place that cannot be written is a failure that names it', async () => {
  mkdirSync(join(home, 'pki'));
  writeFileSync(cluster, 'a file');
  const made = await keepAuthorities(cluster).make('etcd', WISH);
  expect(made).toMatchObject({
    ok: false,
    failures: [{ message: expect.stringContaining(cluster), next: expect.any(String) }],
  });
});
