import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkHostKey } from '../../../src/transport/host_key.ts';
import { findKnownKeys, fingerprint, parseKnownHosts } from '../../../src/transport/known_hosts.ts';
import { type Asked, settleEndpoint } from '../../../src/transport/openssh.ts';

/** A key's wire format: its type, then anything. */
function key(type: string, content: string): Buffer {
  const part = (text: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, Buffer.from(text)]);
  };
  return Buffer.concat([part(type), part(content)]);
}
function hash(name: string): string {
  const salt = Buffer.from('twenty bytes of salt');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
const ED = key('ssh-ed25519', 'one');
const OTHER = key('ssh-ed25519', 'two');
const RSA = key('ssh-rsa', 'three');
const line = (names: string, bytes = ED, marker = '') =>
  `${marker}${names} ${bytes === RSA ? 'ssh-rsa' : 'ssh-ed25519'} ${bytes.toString('base64')} a comment`;

describe('a name in known_hosts', () => {
  it.each<[string, string, string, number, boolean]>([
    ['plain', 'm1', 'm1', 22, true],
    ['plain, another', 'm1', 'm11', 22, false],
    ['one of several', 'm1,10.0.0.1', '10.0.0.1', 22, true],
    ['any case', 'M1.Example', 'm1.example', 22, true],
    ['hashed', hash('m1'), 'm1', 22, true],
    ['hashed, another', hash('m1'), 'm2', 22, false],
    ['with a port', '[m1]:2222', 'm1', 2222, true],
    ['with a port, on 22', '[m1]:2222', 'm1', 22, false],
    ['with another port', '[m1]:2222', 'm1', 2223, false],
    ['hashed with a port', hash('[m1]:2222'), 'm1', 2222, true],
    ['without a port, as the fallback', 'm1', 'm1', 2222, true],
    ['IPv6 with a port', '[fe80::1]:2222', 'fe80::1', 2222, true],
    ['a wildcard', '*.example', 'm1.example', 22, true],
    ['a wildcard that does not match', '*.example', 'm1.example.org', 22, false],
    ['one character', 'm?', 'm1', 22, true],
    ['one character, too many', 'm?', 'm12', 22, false],
    ['negated', '*.example,!m1.example', 'm1.example', 22, false],
    ['negated, another', '*.example,!m1.example', 'm2.example', 22, true],
    ['negated alone', '!m1', 'm2', 22, false],
    ['dots are dots', 'm.1', 'mx1', 22, false],
  ])('%s: %s for %s', (_what, names, hostname, port, found) => {
    const keys = parseKnownHosts('known', line(names));
    expect(findKnownKeys(keys, hostname, port).length > 0).toBe(found);
  });

  it('is matched quickly, whatever the pattern repeats', () => {
    const keys = parseKnownHosts('known', line(`${'*a'.repeat(40)}b`));
    expect(findKnownKeys(keys, 'a'.repeat(250), 22)).toEqual([]);
  });
});

it('leaves out comments, empty lines and what is no entry, and counts lines as an editor does', () => {
  const text = [
    '# a comment',
    '',
    'm1',
    `  ${line('m1')}  `,
    line('m1', RSA, '@revoked '),
    line('m1', RSA, '@new '),
  ].join('\n');
  expect(parseKnownHosts('known', text).map((entry) => [entry.line, entry.marker])).toEqual([
    [4, undefined],
    [5, 'revoked'],
  ]);
});

describe('the key that a host shows', () => {
  const judge = (lines: string[], shown: Buffer, asked: Partial<Asked> = {}) => {
    const endpoint = settleEndpoint({ address: 'm1', knownHostsFile: '/known', ...asked }, new Map(), {});
    const check = checkHostKey(endpoint, parseKnownHosts('/known', lines.join('\n')));
    return { check, failure: check.judge(shown) };
  };

  it('is taken if it is one of the known ones', () => {
    expect(judge([line('m1', RSA), line('m1', OTHER), line('m1', ED)], ED).failure).toBeUndefined();
  });

  it('is asked for by the known types alone, RSA without SHA-1', () => {
    expect(judge([line('m1', RSA)], RSA).check.algorithms).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect(judge([], ED).check.algorithms[0]).toBe('ssh-ed25519');
  });

  it('is refused if none is known, with its fingerprint and what to do', () => {
    const { failure } = judge([line('m2')], ED, { port: 2222 });
    expect(failure).toMatchObject({
      reason: 'host-key',
      message: expect.stringContaining(`ssh-ed25519 ${fingerprint(ED)}`),
    });
    expect(failure?.next).toContain('ssh-keyscan -p 2222 m1');
  });

  it('is refused loudly if another is known, with the place', () => {
    const { failure } = judge([line('m2'), line('m1', OTHER)], ED);
    expect(failure).toMatchObject({ reason: 'host-key', message: expect.stringMatching(/HAS CHANGED.*\/known:2/) });
  });

  it('is refused if it was revoked, even where it is known', () => {
    expect(judge([line('m1'), line('*', ED, '@revoked ')], ED).failure?.message).toContain('REVOKED at /known:2');
    expect(judge([line('[m1]:2222', ED, '@revoked '), line('m1')], ED, { port: 2222 }).failure?.message).toContain(
      'REVOKED',
    );
  });

  it('is refused where only a certificate authority is known', () => {
    expect(judge([line('*', OTHER, '@cert-authority ')], ED).failure?.message).toContain(
      'certificate authority (/known:1)',
    );
  });
});
