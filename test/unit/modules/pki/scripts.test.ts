// The scripts for real: every shell, hostile names, and no secret byte of a key in what a read prints.
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { pkiCa } from '../../../../src/modules/pki/ca.ts';
import { pkiCertificate } from '../../../../src/modules/pki/certificate.ts';
import { issueCertificate } from '../../../../src/pki/issue.ts';
import { Sensitive } from '../../../../src/sensitive.ts';
import { complete } from '../cases.ts';
import { Host, MINE, SHELLS } from '../host.ts';
import { HOSTILE_NAMES } from '../hostile.ts';
import { AUTHORITY, issue, WISH } from './pairs.ts';

const good = await issue({}, { at: new Date() });

/** Every eight letters of a key that are not public in one of ours: its last line and a half. */
function secretsOf(key: string): string[] {
  const letters = key.replaceAll(/-----[^-]+-----|\s/g, '');
  const [begin, end] = letters.startsWith(good.key.split('\n')[1]!.slice(0, 48)) ? [48, 96] : [0, letters.length];
  return Array.from({ length: Math.max(0, end - begin - 8) }, (_, at) => letters.slice(begin + at, begin + at + 8));
}

const hosts: Host[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.remove();
});

/** A host with a pair, and what pki.certificate wants of it. */
function place(shell: (typeof SHELLS)[number], pair: { certificate?: string; key?: string }, name = 'server') {
  const host = new Host(shell);
  hosts.push(host);
  const path = join(host.root, name);
  if (pair.certificate !== undefined) writeFileSync(`${path}.crt`, pair.certificate, { mode: 0o644 });
  if (pair.key !== undefined) writeFileSync(`${path}.key`, pair.key, { mode: 0o600 });
  const given = { path, common_name: 'm1', names: WISH.names, usages: WISH.usages, ...MINE };
  const want = { ...complete(pkiCertificate, given), authority: AUTHORITY.certificate } as never;
  return { host, path, want };
}

const read = ({ host, want }: ReturnType<typeof place>) => host.read(pkiCertificate, want);
const left = (placed: ReturnType<typeof place>) =>
  pkiCertificate.diff(placed.want, read(placed).seen as never, undefined);

describe.each(SHELLS)('under %s', (shell) => {
  it('a pair that was made here reads back as converged, and its first line is its fingerprint', () => {
    const placed = place(shell, good);
    const { firstLine, seen } = read(placed);
    expect(firstLine).toBe(pkiCertificate.fingerprint(seen as never));
    expect(left(placed)).toEqual([]);
  });

  it('a reading has no secret byte of any key, whatever file holds it', () => {
    const kinds = [
      good.key,
      `${good.key}${good.key}`,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
      good.key.replaceAll('\n', '\r\n'),
      good.key.split('\n').slice(0, 3).join('\n'),
    ].map(String);
    for (const key of kinds) {
      // Also where the key was put into the certificate's file, before, behind, or in the middle of the certificate.
      const torn = good.certificate.replace('-----END CERTIFICATE-----', '');
      for (const certificate of [good.certificate, key + good.certificate, good.certificate + key, torn + key]) {
        const printed = read(place(shell, { certificate, key })).reading.stdout.toString();
        expect(printed).not.toContain('PRIVATE');
        expect(secretsOf(key).filter((secret) => printed.includes(secret))).toEqual([]);
      }
    }
  });

  it('a key of another kind is told from one of ours', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      const placed = place(shell, { ...good, key: String(rsa.export({ type, format: 'pem' })) });
      expect(left(placed)).toMatchObject([{ path: 'key', before: 'is no ECDSA P-256 key of Quorate' }, {}]);
    }
    expect(left(place(shell, { certificate: good.certificate, key: '' }))).toMatchObject([{ path: 'key' }, {}]);
  });

  it('the key of another certificate does not match, and no key is missing', async () => {
    const { key } = await issue();
    expect(left(place(shell, { ...good, key }))).toMatchObject([{ before: 'does not match the certificate' }, {}]);
    expect(left(place(shell, { certificate: good.certificate }))).toMatchObject([
      { before: 'is missing' },
      {},
      {},
      {},
      {},
    ]);
  });

  it('a new pair is written whole, for its owner alone, and the old one is kept', async () => {
    const placed = place(shell, { ...good, key: (await issue()).key });
    const issued = { certificate: good.certificate, key: new Sensitive(good.key) };
    const written = placed.host.write(
      pkiCertificate.write({ ...(placed.want as object), issued } as never, [], { run: 'r1', react: false }),
    );
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(left(placed)).toEqual([]);
    expect(readFileSync(`${placed.path}.key`, 'utf8')).toBe(good.key);
    expect(statSync(`${placed.path}.key`).mode & 0o777).toBe(0o600);
    expect(statSync(`${placed.path}.crt`).mode & 0o777).toBe(0o644);
    expect(readdirSync(placed.host.root).sort()).toEqual(['server.crt', 'server.key']);
    const index = readFileSync(join(placed.host.home, 'trash/r1/INDEX'), 'utf8');
    const kept = index
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]);
    expect(kept).toEqual([`${placed.path}.crt`, `${placed.path}.key`]);
  });

  it('a renewal replaces the certificate and leaves the key as it is, down to its inode', async () => {
    const placed = place(shell, good);
    const before = statSync(`${placed.path}.key`);
    const { seen } = read(placed);
    const { certificate } = await issueCertificate(AUTHORITY, WISH, (seen as { publicKey: Uint8Array }).publicKey);
    placed.host.write(
      pkiCertificate.write({ ...(placed.want as object), issued: { certificate } } as never, [], {
        run: 'r1',
        react: false,
      }),
    );
    expect(readFileSync(`${placed.path}.crt`, 'utf8')).toBe(certificate);
    expect(left(placed)).toEqual([]);
    expect(statSync(`${placed.path}.key`).ino).toBe(before.ino);
  });

  it('a mode is mended without a new certificate', () => {
    const placed = place(shell, good);
    chmodSync(`${placed.path}.key`, 0o644);
    expect(left(placed)).toEqual([{ path: 'key mode', before: '0644', after: '0600' }]);
    placed.host.write(pkiCertificate.write(placed.want, [], { run: 'r1', react: false }));
    expect(left(placed)).toEqual([]);
  });

  it('a pair that cannot be given its owner leaves nothing behind', () => {
    const placed = place(shell, {});
    const issued = { certificate: good.certificate, key: new Sensitive(good.key) };
    const want = { ...(placed.want as object), owner: 'nobody-knows', issued } as never;
    const written = placed.host.write(pkiCertificate.write(want, [], { run: 'r1', react: false }));
    expect(written.status).toBe(1);
    expect(written.stderr).toContain('it could not be given to nobody-knows');
    expect(readdirSync(placed.host.root)).toEqual([]);
  });

  it.each(HOSTILE_NAMES.filter((name) => !name.includes('\n')))('a name like %j does no harm', (name) => {
    const placed = place(shell, good, name);
    expect(left(placed)).toEqual([]);
    const issued = { certificate: good.certificate, key: new Sensitive(good.key) };
    const want = { ...(placed.want as object), issued } as never;
    expect(placed.host.write(pkiCertificate.write(want, [], { run: 'r1', react: false })).status).toBe(0);
    expect(readdirSync(placed.host.root).sort()).toEqual([`${name}.crt`, `${name}.key`].sort());
  });

  it('a CA reads back as it was put there, and tells of certificates beside it', () => {
    const host = new Host(shell);
    hosts.push(host);
    const path = join(host.root, 'ca.crt');
    const want = { ...complete(pkiCa, { path, ...MINE }), authority: AUTHORITY.certificate } as never;
    const before = host.read(pkiCa, want);
    expect(before.seen).toMatchObject({ entry: { kind: 'absent' }, beside: [], certificates: [] });
    const changes = pkiCa.diff(want, before.seen as never, undefined) as never;
    expect(host.write(pkiCa.write(want, changes, { run: 'r1', react: false })).status).toBe(0);
    writeFileSync(join(host.root, 'peer.crt'), 'x');
    mkdirSync(join(host.root, 'directory.crt'));
    symlinkSync('nowhere', join(host.root, 'dangling.crt'));
    const after = host.read(pkiCa, want);
    expect(after.seen).toMatchObject({ beside: ['peer.crt'] });
    expect(after.firstLine).toBe(pkiCa.fingerprint(after.seen as never));
    expect(pkiCa.diff(want, after.seen as never, undefined)).toEqual([]);
  });
});
