// Certificates as others read them: openssl and Node verify what is made here.
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isIssuedBy, normalizeName, readCertificates } from '../../../src/pki/certificate.ts';
import { type Authority, type CertificateWish, issueCertificate, makeAuthority } from '../../../src/pki/issue.ts';
import { Sensitive } from '../../../src/sensitive.ts';

const NOW = new Date('2026-01-31T12:00:00.700Z');
const DAY = 24 * 3600_000;
const WISH: CertificateWish = {
  commonName: 'm1',
  names: ['m1', 'M1.example', '192.0.2.1', '2001:DB8:0:0::1', '::1'],
  usages: ['serverAuth', 'clientAuth'],
  days: 365,
};

const folder = mkdtempSync(join(tmpdir(), 'quorate-pki-'));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function verify(ca: string, leaf: string, ...options: string[]): string {
  const at = String(Math.floor(NOW.getTime() / 1000));
  return openssl(
    'verify',
    '-x509_strict',
    '-attime',
    at,
    '-CAfile',
    put('ca.crt', ca),
    ...options,
    put('leaf.crt', leaf),
  );
}

const authority = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 3650 }, NOW);
const leaf = await issueCertificate(authority, WISH, undefined, NOW);
const [ca] = readCertificates(authority.certificate)!;
const [read] = readCertificates(leaf.certificate)!;

describe('a certificate', () => {
  it('verifies with openssl for servers and clients, by name and by address', () => {
    for (const options of [
      ['-purpose', 'sslserver', '-verify_hostname', 'm1.example'],
      ['-purpose', 'sslserver', '-verify_ip', '192.0.2.1'],
      ['-purpose', 'sslserver', '-verify_ip', '2001:db8::1'],
      ['-purpose', 'sslclient'],
    ]) {
      expect(verify(authority.certificate, leaf.certificate, ...options)).toContain(': OK');
    }
    expect(() => verify(authority.certificate, leaf.certificate, '-verify_ip', '192.0.2.2')).toThrow();
  });

  it('has the usages that it is made for, and no others', async () => {
    const client = await issueCertificate(authority, { ...WISH, usages: ['clientAuth'] }, undefined, NOW);
    expect(verify(authority.certificate, client.certificate, '-purpose', 'sslclient')).toContain(': OK');
    expect(() => verify(authority.certificate, client.certificate, '-purpose', 'sslserver')).toThrow();
  });

  it('reads back as it was wished for', () => {
    expect(read).toMatchObject({
      authority: false,
      commonName: 'm1',
      names: ['192.0.2.1', '2001:db8::1', '::1', 'm1', 'm1.example'],
      usages: ['clientAuth', 'serverAuth'],
      notBefore: Date.parse('2026-01-31T11:55:00Z'),
      notAfter: Date.parse('2027-01-31T12:00:00Z'),
    });
    expect(ca).toMatchObject({ authority: true, commonName: 'etcd-ca', organization: 'main' });
  });

  it('belongs to its key, for Node and for openssl', () => {
    const x509 = new X509Certificate(leaf.certificate);
    expect(x509.checkPrivateKey(createPrivateKey(leaf.key!.reveal()))).toBe(true);
    const key = put('leaf.key', leaf.key!.reveal());
    const certificate = put('leaf.crt', leaf.certificate);
    expect(openssl('pkey', '-in', key, '-pubout')).toBe(openssl('x509', '-in', certificate, '-noout', '-pubkey'));
  });

  it('names its issuer by key, so that a CA of the same name is not taken for it', async () => {
    const other = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 3650 }, NOW);
    const [twin] = readCertificates(other.certificate)!;
    expect(isIssuedBy(read!, ca!)).toBe(true);
    expect(isIssuedBy(read!, twin!)).toBe(false);
    expect(() => verify(other.certificate, leaf.certificate)).toThrow();
    const text = openssl('x509', '-in', put('leaf.crt', leaf.certificate), '-noout', '-ext', 'authorityKeyIdentifier');
    const own = openssl('x509', '-in', put('ca.crt', authority.certificate), '-noout', '-ext', 'subjectKeyIdentifier');
    expect(text.split('\n')[1]!.trim().replace('keyid:', '')).toBe(own.split('\n')[1]!.trim());
  });

  it('can be made anew for a key that stays where it is', async () => {
    const renewed = await issueCertificate(authority, WISH, read!.publicKey, NOW);
    expect(renewed.key).toBeUndefined();
    expect(renewed.certificate).not.toBe(leaf.certificate);
    expect(new X509Certificate(renewed.certificate).checkPrivateKey(createPrivateKey(leaf.key!.reveal()))).toBe(true);
  });

  it('never outlives its CA', async () => {
    const short = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 10 }, NOW);
    const [cut] = readCertificates((await issueCertificate(short, WISH, undefined, NOW)).certificate)!;
    expect(cut!.notAfter).toBe(Math.floor(NOW.getTime() / 1000) * 1000 + 10 * DAY);
  });

  it('has a serial number of its own, positive and of 127 bits at most', async () => {
    const serials = new Set([new X509Certificate(authority.certificate).serialNumber]);
    for (let count = 0; count < 20; count += 1) {
      const { certificate } = await issueCertificate(authority, WISH, read!.publicKey, NOW);
      serials.add(new X509Certificate(certificate).serialNumber);
    }
    expect(serials.size).toBe(21);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe('a CA that an operator brings along', () => {
  it.each([
    ['RSA, as kubeadm makes it', ['-newkey', 'rsa:2048']],
    ['ECDSA P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ])('signs: %s', async (_kind, newKey) => {
    const [key, certificate] = [join(folder, 'own.key'), join(folder, 'own.crt')];
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-nodes',
      '-subj',
      '/CN=etcd-ca',
      '-days',
      '30',
      '-keyout',
      key,
      '-out',
      certificate,
    );
    const own: Authority = {
      certificate: openssl('x509', '-in', certificate),
      key: new Sensitive(openssl('pkey', '-in', key)),
    };
    const issued = await issueCertificate(own, WISH, undefined);
    expect(openssl('verify', '-CAfile', certificate, put('leaf.crt', issued.certificate))).toContain(': OK');
  });
});

it('a file of several certificates is read whole, with whatever stands around them', () => {
  const text = `# old\n${authority.certificate}\n# new\n${leaf.certificate}`;
  expect(readCertificates(text)!.map(({ commonName }) => commonName)).toEqual(['etcd-ca', 'm1']);
  expect(readCertificates('nothing')).toEqual([]);
  expect(readCertificates('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toBeUndefined();
});

it('names are equal however they are written', () => {
  expect(['M1', '0:0:0:0:0:0:0:1', '2001:DB8::0:1', '10.0.0.1'].map(normalizeName)).toEqual([
    'm1',
    '::1',
    '2001:db8::1',
    '10.0.0.1',
  ]);
});
