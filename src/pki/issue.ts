// Making certificates: a CA that signs itself, and those that it signs.
import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { Sensitive } from '../sensitive.ts';
import { readCertificates, USAGES } from './certificate.ts';

/**
 * ECDSA on P-256 with SHA-256: every Go that etcd 3.4 to 3.6 was built with (1.12 and later) takes it, kubeadm offers it
 * since 1.19, a key is made in a millisecond, and a handshake costs a fraction of RSA-2048's. Ed25519 needs Go 1.13.
 */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Clocks of hosts differ: a certificate is valid a little before it was made. Milliseconds. */
export const BACKDATED_MS = 5 * 60_000;
const DAY_MS = 24 * 3600_000;

export interface Authority {
  /** PEM. The first one signs; what follows is trusted as well. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: Sensitive;
}

export interface AuthorityWish {
  commonName: string;
  organization: string;
  days: number;
}

export interface CertificateWish {
  commonName: string;
  organization?: string;
  /** DNS names and IP addresses. */
  names: string[];
  usages: string[];
  /** It never outlives its CA. */
  days: number;
}

export interface Issued {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8; absent: the certificate is for a key that somebody has already. */
  key?: Sensitive;
}

export async function makeAuthority(wish: AuthorityWish, now: Date = new Date()): Promise<Authority> {
  const x509 = await loadLibrary();
  const { key, keys } = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: makeSerial(),
    name: subjectOf(wish),
    notBefore: wholeSeconds(now.getTime() - BACKDATED_MS),
    notAfter: wholeSeconds(now.getTime() + wish.days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      // It signs leaves only.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key };
}

/** `publicKey` (SubjectPublicKeyInfo, DER): of the key that it is for; absent: a new key is made. */
export async function issueCertificate(
  authority: Authority,
  wish: CertificateWish,
  publicKey: Uint8Array | undefined,
  now: Date = new Date(),
): Promise<Issued> {
  const x509 = await loadLibrary();
  const made = publicKey === undefined ? await makeKeys() : undefined;
  const subjectKey = made?.keys.publicKey ?? (await importPublicKey(publicKey!));
  const issuer = new x509.X509Certificate(authority.certificate);
  const issuerKeyId = issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const signing = algorithmOf(authority.key);
  const { notBefore, notAfter } = readCertificates(authority.certificate)![0]!;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: subjectOf(wish),
    issuer: issuer.subjectName,
    notBefore: wholeSeconds(Math.max(notBefore, now.getTime() - BACKDATED_MS)),
    notAfter: wholeSeconds(Math.min(notAfter, now.getTime() + wish.days * DAY_MS)),
    signingAlgorithm: signing,
    publicKey: subjectKey,
    signingKey: await importPrivateKey(authority.key, signing),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(wish.usages.map(oidOf)),
      await x509.SubjectKeyIdentifierExtension.create(subjectKey),
      issuerKeyId === undefined
        ? await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)
        : new x509.AuthorityKeyIdentifierExtension(issuerKeyId),
      ...(wish.names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(wish.names.map(generalName))]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, ...(made ? { key: made.key } : {}) };
}

/** Only what really makes a certificate waits for the library. */
async function loadLibrary(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function makeKeys(): Promise<{ key: Sensitive; keys: webcrypto.CryptoKeyPair }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
  const key = new Sensitive(String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  return { key, keys: { privateKey: await importPrivateKey(key), publicKey: await importPublicKey(spki) } };
}

function importPrivateKey(
  key: Sensitive,
  algorithm: ReturnType<typeof algorithmOf> = ALGORITHM,
): Promise<webcrypto.CryptoKey> {
  const der = new Uint8Array(createPrivateKey(key.reveal()).export({ type: 'pkcs8', format: 'der' }));
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

/** A CA that an operator brought along (kubeadm's is RSA) signs with what its key can. */
function algorithmOf(key: Sensitive) {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(key.reveal());
  if (asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
  const namedCurve = asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'P-384' : 'P-256';
  return { name: 'ECDSA', namedCurve, hash: namedCurve === 'P-384' ? 'SHA-384' : 'SHA-256' } as const;
}

function importPublicKey(spki: Uint8Array): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('spki', new Uint8Array(spki), ALGORITHM, true, ['verify']);
}

/** 127 random bits: positive, and never in the order of anything (CA/Browser Forum's baseline asks for 64). */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function subjectOf({ commonName, organization }: { commonName: string; organization?: string }) {
  return [...(organization === undefined ? [] : [{ O: [organization] }]), { CN: [commonName] }];
}

function oidOf(usage: string): string {
  return Object.keys(USAGES).find((oid) => USAGES[oid] === usage) ?? usage;
}

function generalName(value: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(value) === 0 ? 'dns' : 'ip', value };
}

/** Certificates know no fractions of a second. */
function wholeSeconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}
