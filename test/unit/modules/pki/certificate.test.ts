import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { succeed } from '../../../../src/failure.ts';
import type { Change, Controller } from '../../../../src/modules/module.ts';
import { pkiCertificate } from '../../../../src/modules/pki/certificate.ts';
import { readCertificates } from '../../../../src/pki/certificate.ts';
import { makeAuthority } from '../../../../src/pki/issue.ts';
import { MASK, Sensitive } from '../../../../src/sensitive.ts';
import { complete, describeCases } from '../cases.ts';
import { AUTHORITY, DAY, issue, NO_KEYS, NOW, type Observed, OTHER, observePair, WISH } from './pairs.ts';

const GIVEN = {
  path: '/etc/pki/server',
  common_name: WISH.commonName,
  names: WISH.names,
  usages: WISH.usages,
};
const CA = { authority: AUTHORITY.certificate, cluster: 'main', place: '/state/pki/main/etcd' };
const FINGERPRINT = readCertificates(AUTHORITY.certificate)![0]!.fingerprint;

/** As recall leaves it. */
const want = (more: object = {}) => ({ ...complete(pkiCertificate, GIVEN), ...CA, ...more }) as never;
const see = (observed: Observed) =>
  pkiCertificate.parse({ status: 0, stdout: Buffer.from(observePair(observed)), stderr: '' });
const differ = (observed: Observed, more: object = {}) => pkiCertificate.diff(want(more), see(observed), undefined);

/** `path: before → after`, without what is only to be shown later. */
function tell(changes: ReturnType<typeof differ>): string[] {
  if (!Array.isArray(changes)) return [`refused: ${changes.refused}`];
  return changes.map(({ path, before, after, later }) => `${path}: ${before} → ${later ? 'later' : after}`);
}

const good = await issue();
const old = await issue({}, { at: new Date(NOW.getTime() - 336 * DAY) });
const past = await issue({}, { at: new Date(NOW.getTime() - 366 * DAY) });
const future = await issue({}, { at: new Date(NOW.getTime() + 2 * DAY) });
const foreign = await issue({}, { by: OTHER });
const nameless = await issue({ names: ['m1', 'localhost', '127.0.0.1', '::1'] });
const client = await issue({ usages: ['clientAuth'] });
const named = await issue({ commonName: 'm2' });
const RSA = '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n';

const NAMES = '127.0.0.1, 192.0.2.11, ::1, localhost, m1';
const END = '2027-03-01 12:00Z';
const RENEWED = `valid until: ${END} → later`;

describe('pki.certificate tells in plain words', () => {
  it.each<[what: string, observed: Observed, told: string[]]>([
    ['nothing of a pair that does', good, []],
    [
      'that there is none',
      {},
      [
        'exists: null → a certificate and its key',
        'subject: null → CN=m1',
        `names: null → ${NAMES}`,
        'usages: null → clientAuth, serverAuth',
        'valid until: null → later',
        'key owner: null → root',
        'key group: null → root',
        'key mode: null → 0600',
      ],
    ],
    ['that the end is near', old, ['valid until: 2026-03-30 12:00Z (fewer than 30 d left) → later']],
    ['that the end has passed', past, ['valid until: 2026-02-28 12:00Z (has passed) → later']],
    [
      'that it begins later than now',
      future,
      ['valid until: 2027-03-03 12:00Z (begins only 2026-03-03 11:55Z) → later'],
    ],
    ['another CA, though that has the same name', foreign, [`signed by: another CA → sha256 ${FINGERPRINT}`, RENEWED]],
    ['a missing name', nameless, [`names: 127.0.0.1, ::1, localhost, m1 → ${NAMES}`, RENEWED]],
    ['a missing usage', client, ['usages: clientAuth → clientAuth, serverAuth', RENEWED]],
    ['another subject', named, ['subject: CN=m2 → CN=m1', RENEWED]],
    ['another key', { ...good, key: foreign.key }, ['key: does not match the certificate → a new key', RENEWED]],
    ['a key of another kind', { ...good, key: RSA }, ['key: is no ECDSA P-256 key of Quorate → a new key', RENEWED]],
    [
      'no key',
      { certificate: good.certificate },
      [
        'key: is missing → a new key',
        RENEWED,
        'key owner: null → root',
        'key group: null → root',
        'key mode: null → 0600',
      ],
    ],
    ['a key that others can read', { ...good, keyMode: '0644' }, ['key mode: 0644 → 0600']],
    ['a certificate that others cannot read', { ...good, certificateMode: '0600' }, ['certificate mode: 0600 → 0644']],
  ])('%s', (_what, observed, told) => {
    expect(tell(differ(observed))).toEqual(told);
    const expected = pkiCertificate.expect(want(), see(observed));
    expect(pkiCertificate.diff(want(), expected, undefined)).toEqual([]);
  });

  it('that a file holds no certificate', () => {
    expect(tell(differ({ ...good, certificate: 'x\n' }))[0]).toBe('exists: no certificate → a certificate and its key');
  });

  it('the organization too', () => {
    expect(tell(differ(good, { organization: 'system:masters' }))[0]).toBe('subject: CN=m1 → O=system:masters, CN=m1');
  });

  it('a change by one word less or more: names are exactly those that are wanted', () => {
    expect(tell(differ(good, { names: ['m1'] }))[0]).toBe(`names: ${NAMES} → m1`);
    expect(differ(good, { names: [...WISH.names, 'M1', '0:0:0:0:0:0:0:1'] })).toEqual([]);
  });

  it('the day of a renewal, to the second', () => {
    const due = (days: number) => differ(good, { renew_days: days });
    expect([due(364), due(363)].map((changes) => tell(changes).length)).toEqual([0, 0]);
    expect(tell(differ(old, { renew_days: 29 }))).toEqual([]);
  });
});

describe('pki.certificate refuses', () => {
  it.each<[string, string, RegExp]>([
    ['a link', 'symlink /run/x', /server\.crt is a symbolic link to \/run\/x, not a file/],
    ['a directory', 'directory 0755 root:root\n0:0', /server\.crt is a directory, not a file/],
  ])('%s in its place', (_what, entry, refused) => {
    const text = `${entry.split('\n')[0]} | absent\n${entry}\nabsent\nnow 1\nkey none\n`;
    const seen = pkiCertificate.parse({ status: 0, stdout: Buffer.from(text), stderr: '' });
    expect(pkiCertificate.diff(want(), seen, undefined)).toMatchObject({ refused: expect.stringMatching(refused) });
  });

  it('to renew with more days left than it is made for', () => {
    expect(differ(good, { days: 30, renew_days: 30 })).toMatchObject({ refused: expect.stringContaining('30 d') });
  });

  it('to sign with a CA that ends before the renewal would be due', async () => {
    const short = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 30 }, NOW);
    const changes = differ({}, { authority: short.certificate });
    expect(changes).toMatchObject({ refused: expect.stringContaining('the CA etcd ends 2026-03-31 12:00Z') });
  });
});

// Certificates are made by this machine's clock, and judged by the host's.
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterAll(() => void vi.useRealTimers());

/** A controller with this CA, or none. */
function controllerWith(authority: typeof AUTHORITY | undefined): Controller {
  return {
    host: 'm1',
    cluster: {
      name: 'main',
      keys: NO_KEYS,
      ledger: async () => undefined,
      authorities: {
        place: () => '/state/pki/main/etcd',
        read: async () => succeed(authority),
        make: async () => {
          throw new Error('only pki.ca makes one');
        },
      },
    },
  };
}

describe('what only the controller can make', () => {
  const prepare = (observed: Observed, controller = controllerWith(AUTHORITY)) => {
    const seen = see(observed);
    return pkiCertificate.prepare!(want(), seen, pkiCertificate.diff(want(), seen, undefined) as Change[], controller);
  };
  const prepared = async (observed: Observed) => {
    const attempt = await prepare(observed);
    if (!attempt.ok) throw new Error(attempt.failures[0]!.message);
    return attempt.value;
  };

  it.each<[string, Observed, boolean]>([
    ['absent', {}, true],
    ['with another key', { ...good, key: foreign.key }, true],
    ['with no key', { certificate: good.certificate }, true],
    ['near its end', old, false],
    ['of another CA', foreign, false],
    ['without a name', nameless, false],
  ])(
    'a pair that is %s gets a certificate, and a new key only where that is at fault',
    async (_what, observed, newKey) => {
      const { issued } = await prepared(observed);
      expect(issued!.key !== undefined).toBe(newKey);
      const key = issued!.key?.reveal() ?? observed.key!;
      expect(differ({ certificate: issued!.certificate, key })).toEqual([]);
      expect(JSON.stringify(issued)).not.toContain('PRIVATE');
    },
  );

  it('is nothing where only owner and mode differ', async () => {
    expect((await prepared({ ...good, keyMode: '0644' })).issued).toBeUndefined();
  });

  it('says afterwards until when it is valid', async () => {
    const made = await prepared(old);
    const changes = pkiCertificate.diff(made, see(old), undefined) as Change[];
    expect(changes[0]).toMatchObject({
      path: 'valid until',
      after: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\dZ$/),
    });
    expect(changes[0]).not.toHaveProperty('later');
  });

  it('cannot be made without the CA', async () => {
    const attempt = await prepare({}, controllerWith(undefined));
    expect(attempt).toMatchObject({
      ok: false,
      failures: [{ reason: 'guard', next: expect.stringContaining('pki.ca') }],
    });
  });

  it('is written in one rename where the key stays, and with its key as a secret where that is new', async () => {
    const renewal = await prepared(old);
    const { script, inputs } = pkiCertificate.write(renewal, [], { run: 'r1', react: false });
    expect(script.match(/\bmv /g)).toHaveLength(1);
    expect(inputs!.map(({ content }) => content instanceof Sensitive)).toEqual([false]);
    const pair = pkiCertificate.write(await prepared({}), [], { run: 'r1', react: false });
    expect(pair.inputs!.map(({ directory, content }) => [directory, content instanceof Sensitive])).toEqual([
      ['/etc/pki', false],
      ['/etc/pki', true],
    ]);
    expect(JSON.stringify(pair)).toContain(MASK);
    expect(JSON.stringify(pair)).not.toContain('PRIVATE');
  });
});

describe('recall', () => {
  const recall = (observed: Observed | undefined, controller: Controller) =>
    pkiCertificate.recall!(complete(pkiCertificate, GIVEN) as never, controller, [
      { host: 'm1', ...(observed ? { seen: see(observed) } : {}) },
      { host: 'm2' },
    ]);

  it('knows the CA that is there', async () => {
    expect(await recall(good, controllerWith(AUTHORITY))).toMatchObject({ ok: true, value: CA });
  });

  it('lets a bare host wait for a CA that is still to be made', async () => {
    expect(await recall({}, controllerWith(undefined))).toMatchObject({ ok: true, value: { cluster: 'main' } });
  });

  it('refuses where a certificate is there and the CA of it is not', async () => {
    expect(await recall(good, controllerWith(undefined))).toMatchObject({
      ok: false,
      failures: [
        {
          reason: 'guard',
          message:
            'this controller has no CA etcd for cluster main, but m1 has /etc/pki/server.crt, which an earlier one signed',
          next: expect.stringMatching(
            /^if another controller made it, .*; if they were here and are lost, bring them back/,
          ),
        },
      ],
    });
  });

  it('refuses a host that is in no cluster', async () => {
    expect(await recall({}, { host: 'm1' })).toMatchObject({ ok: false, failures: [{ reason: 'guard' }] });
  });
});

const ADOPTED = { ...GIVEN, adopted: true, ca_path: '/etc/pki/ca.crt' };
const adopt = (observed: Observed) => observePair({ trusted: AUTHORITY.certificate, ...observed });
const wrong = (refused: string) => ({
  refused: `/etc/pki/server.crt is adopted and does not do: ${refused}`,
  next: 'have it made anew by whoever makes it, or let Quorate make it (etcd_pki: managed)',
});

describeCases(pkiCertificate, [
  { it: 'an adopted pair that does is left alone', want: ADOPTED, observed: adopt(good) },
  {
    it: 'an adopted pair may have more names, another subject, a key of another kind, and any mode',
    want: { ...ADOPTED, names: ['m1'], common_name: 'x' },
    observed: adopt({ ...good, key: RSA, keyMode: '0640' }),
  },
  {
    it: 'an adopted pair that is not there is refused',
    want: ADOPTED,
    observed: adopt({}),
    changes: wrong('there is no certificate in it; /etc/pki/server.key is not there'),
  },
  { it: 'an adopted pair that is optional may be missing', want: { ...ADOPTED, optional: true }, observed: adopt({}) },
  {
    it: 'an adopted pair that is optional is not half there',
    want: { ...ADOPTED, optional: true },
    observed: adopt({ key: RSA }),
    changes: wrong('there is no certificate in it'),
  },
  {
    it: 'an adopted certificate without a name that is needed is refused',
    want: ADOPTED,
    observed: adopt(nameless),
    changes: wrong('its names lack 192.0.2.11'),
  },
  {
    it: 'an adopted certificate without a usage that is needed is refused',
    want: ADOPTED,
    observed: adopt(client),
    changes: wrong('its usages lack serverAuth'),
  },
  {
    it: 'an adopted certificate whose end has passed is refused',
    want: ADOPTED,
    observed: adopt(past),
    changes: wrong('it ended 2026-02-28 12:00Z'),
  },
  {
    it: 'an adopted certificate that begins later is refused',
    want: ADOPTED,
    observed: adopt(future),
    changes: wrong('it begins only 2026-03-03 11:55Z'),
  },
  {
    it: 'an adopted certificate of another CA is refused, with all else that is wrong',
    want: ADOPTED,
    observed: adopt({ ...nameless, trusted: OTHER.certificate }),
    changes: wrong('its names lack 192.0.2.11; it does not lead to a CA in /etc/pki/ca.crt'),
  },
]);

describe('an adopted pair', () => {
  const given = { ...complete(pkiCertificate, ADOPTED) } as never;
  const parse = (observed: Observed) =>
    pkiCertificate.parse({ status: 0, stdout: Buffer.from(adopt(observed)), stderr: '' });

  it('is nobody else to recall for', async () => {
    expect(await pkiCertificate.recall!(given, { host: 'm1' }, [])).toEqual({ ok: true, value: given });
  });

  it('is warned of when its end is near, and when others can read its key', () => {
    expect(pkiCertificate.warn!(given, parse(good))).toEqual([]);
    expect(pkiCertificate.warn!(given, parse({ ...old, keyMode: '0644' }))).toEqual([
      '/etc/pki/server.crt ends 2026-03-30, in 29 d; it is adopted, so nothing here renews it',
      '/etc/pki/server.key may be read by others (mode 0644)',
    ]);
  });

  it('needs to say where its CA is', () => {
    expect(() => complete(pkiCertificate, { ...GIVEN, adopted: true })).toThrow(/ca_path/);
  });
});
