import { describe, expect, it } from 'vitest';
import { succeed } from '../../../../src/failure.ts';
import type { Controller } from '../../../../src/modules/module.ts';
import { pkiCa } from '../../../../src/modules/pki/ca.ts';
import { readCertificates } from '../../../../src/pki/certificate.ts';
import { complete, describeCases } from '../cases.ts';
import { AUTHORITY, issue, NO_KEYS, NOW, OTHER, observeFile } from './pairs.ts';

const PATH = '/etc/pki/ca.crt';
const OWN = { authority: AUTHORITY.certificate, cluster: 'main', place: '/state/pki/main/etcd' };
const want = (more: object = OWN) => ({ ...complete(pkiCa, { path: PATH }), ...more }) as never;
const fingerprintOf = ({ certificate }: { certificate: string }) => readCertificates(certificate)![0]!.fingerprint;

/** What read prints. */
function observe(text: string | undefined, { mode = '0644', beside = [] as string[], now = NOW } = {}): string {
  const lines = [...observeFile(text, mode), `now ${now.getTime() / 1000}`, ...beside.map((name) => `beside ${name}`)];
  return `${lines.join('\n')}\n${text?.includes('BEGIN') ? text : ''}`;
}
const see = (observed: string) => pkiCa.parse({ status: 0, stdout: Buffer.from(observed), stderr: '' });
const differ = (observed: string, more: object = OWN) => pkiCa.diff(want(more), see(observed), undefined);

const OWNERSHIP = [
  { path: 'owner', before: null, after: 'root' },
  { path: 'group', before: null, after: 'root' },
  { path: 'mode', before: null, after: '0644' },
];

describe('pki.ca', () => {
  it('is converged where the host trusts the CA of this controller, whatever else stands in the file', () => {
    expect(differ(observe(AUTHORITY.certificate))).toEqual([]);
    expect(differ(observe(`# ours\n${AUTHORITY.certificate}\n`))).toEqual([]);
  });

  it('puts it on a bare host', () => {
    const after = `sha256 ${fingerprintOf(AUTHORITY)}`;
    expect(differ(observe(undefined))).toEqual([{ path: 'certificate', before: null, after }, ...OWNERSHIP]);
  });

  it('says of a CA that is still to be made only that it will be', () => {
    const later = { path: 'certificate', before: null, after: null, later: true };
    expect(differ(observe(undefined), { ...OWN, authority: undefined })).toEqual([later, ...OWNERSHIP]);
    expect(pkiCa.warn!(want({ ...OWN, authority: undefined }), see(observe(undefined)))).toEqual([
      'a new CA is made; its only key will be /state/pki/main/etcd/ca.key on this controller: back it up (docs/pki.md)',
    ]);
  });

  it('puts it in place of a file that holds no certificate, and keeps that file', () => {
    const changes = differ(observe('x\n'));
    expect(changes).toEqual([
      { path: 'certificate', before: 'no certificate', after: `sha256 ${fingerprintOf(AUTHORITY)}` },
    ]);
    expect(pkiCa.write(want(), changes as never, { run: 'r1', react: false }).script).toContain('q_keep "$path"');
  });

  it('adds what the CA file of the controller holds beside the CA itself', () => {
    const both = { ...OWN, authority: `${AUTHORITY.certificate}${OTHER.certificate}` };
    expect(differ(observe(AUTHORITY.certificate), both)).toMatchObject([{ path: 'certificate' }]);
    expect(differ(observe(both.authority), both)).toEqual([]);
  });

  it('takes away what its file on the controller holds no more', () => {
    const both = `${OTHER.certificate}${AUTHORITY.certificate}`;
    expect(differ(observe(both))).toMatchObject([
      { path: 'certificate', after: `sha256 ${fingerprintOf(AUTHORITY)}`, before: expect.stringContaining(', ') },
    ]);
  });

  it('does not mind the order, in which only the first signs', () => {
    const both = { ...OWN, authority: `${AUTHORITY.certificate}${OTHER.certificate}` };
    expect(differ(observe(`${OTHER.certificate}${AUTHORITY.certificate}`), both)).toEqual([]);
  });

  it.each([
    ['another CA', AUTHORITY.certificate],
    ['a CA that is not to sign any more', `${AUTHORITY.certificate}${OTHER.certificate}`],
  ])('never makes a host that trusts only %s trust and use this one in one step', (_what, authority) => {
    expect(differ(observe(OTHER.certificate), { ...OWN, authority })).toEqual({
      refused: `${PATH} trusts a CA with fingerprint ${fingerprintOf(OTHER)}, and not that of this controller, ${fingerprintOf(AUTHORITY)}`,
      next: 'bring back the right /state/pki/main/etcd/ca.key and ca.crt from the backup, or set etcd_pki: adopted; to move to another CA, see docs/pki.md',
    });
  });

  it('changes only the mode where only the mode differs', () => {
    const changes = differ(observe(AUTHORITY.certificate, { mode: '0600' }));
    expect(changes).toEqual([{ path: 'mode', before: '0600', after: '0644' }]);
    expect(pkiCa.write(want(), changes as never, { run: 'r1', react: false }).inputs).toBeUndefined();
  });

  it('refuses a link in its place', () => {
    expect(differ('symlink /x\nnow 1\n')).toMatchObject({ refused: `${PATH} is a symbolic link to /x, not a file` });
  });

  it.each([undefined, 'x\n', AUTHORITY.certificate])('expects what reads back as converged', (text) => {
    for (const more of [OWN, { ...OWN, authority: undefined }]) {
      if (more.authority === undefined && text?.includes('BEGIN')) continue;
      expect(pkiCa.diff(want(more), pkiCa.expect(want(more), see(observe(text))), undefined)).toEqual([]);
    }
  });

  it('tells long before the end of the CA that it comes', () => {
    const at = (days: number) => new Date(NOW.getTime() + days * 24 * 3600_000);
    const warn = (days: number) => pkiCa.warn!(want(), see(observe(AUTHORITY.certificate, { now: at(days) })));
    expect(warn(3560)).toEqual([]);
    expect(warn(3561)).toEqual([`the CA in ${PATH} ends 2036-02-27, in 89 d`]);
  });
});

const LOST = 'this controller has no CA etcd for cluster main';
const BACK =
  'if another controller made it, work from there, or copy its /state/pki/main/etcd/ca.key and ca.crt to here; if they were here and are lost, bring them back from the backup, or set etcd_pki: adopted';

describe('a CA that this controller does not have', () => {
  const made: unknown[] = [];
  const controller: Controller = {
    host: 'm2',
    cluster: {
      name: 'main',
      keys: NO_KEYS,
      ledger: async () => undefined,
      authorities: {
        place: (name) => `/state/pki/main/${name}`,
        read: async () => succeed(undefined),
        make: async (...wish) => {
          made.push(wish);
          return succeed(AUTHORITY);
        },
      },
    },
  };
  const recall = (siblings: { [host: string]: string | undefined }) =>
    pkiCa.recall!(
      complete(pkiCa, { path: PATH }) as never,
      controller,
      Object.entries(siblings).map(([host, text]) => ({ host, ...(text === undefined ? {} : { seen: see(text) }) })),
    );
  const refusal = (message: string, next: string) => ({ ok: false, failures: [{ reason: 'guard', message, next }] });
  const BARE = observe(undefined);

  it('may be made where no host has a trace of one', async () => {
    const { authority: _, ...kept } = OWN;
    expect(await recall({ m1: BARE, m2: BARE })).toMatchObject({ ok: true, value: kept });
  });

  it('is not made anew for a bare host as long as another trusts one', async () => {
    expect(await recall({ m1: observe(OTHER.certificate), m2: BARE })).toEqual(
      refusal(`${LOST}, but m1 trusts one with fingerprint ${fingerprintOf(OTHER)}`, BACK),
    );
  });

  it('is not taken for lost because of what another CA in the same directory has signed', async () => {
    const given = { path: PATH, name: 'kubernetes', signs: ['apiserver.crt'] };
    const beside = (...names: string[]) =>
      pkiCa.recall!(complete(pkiCa, given) as never, controller, [
        { host: 'm1', seen: see(observe(undefined, { beside: names })) },
      ]);
    expect(await beside('apiserver-etcd-client.crt', 'front-proxy-ca.crt')).toMatchObject({ ok: true });
    expect(await beside('apiserver-etcd-client.crt', 'apiserver.crt')).toMatchObject({
      ok: false,
      failures: [
        {
          message: expect.stringMatching(
            /no CA kubernetes for cluster main, but m1 has certificates of one \(apiserver\.crt\)$/,
          ),
          next: expect.stringMatching(/or set control_plane: kubeadm$/),
        },
      ],
    });
  });

  it('is not made anew beside certificates that an earlier one signed', async () => {
    expect(await recall({ m1: observe(undefined, { beside: ['peer.crt', 'server.crt'] }), m2: BARE })).toEqual(
      refusal(`${LOST}, but m1 has certificates of one (peer.crt, server.crt)`, BACK),
    );
  });

  it('is not made while a member cannot be asked', async () => {
    expect(await recall({ m1: undefined, m2: BARE })).toEqual(
      refusal(
        `${LOST}, and m1 could not be asked for certificates of an earlier one`,
        'bring m1 back first; if there is a CA, copy /state/pki/main/etcd/ca.key and ca.crt from the controller that made it, or bring them back from the backup',
      ),
    );
  });

  it('is made by an apply alone, once it is to be written', async () => {
    expect(made).toEqual([]);
    const bare = want({ ...OWN, authority: undefined });
    const changes = pkiCa.diff(bare, see(BARE), undefined) as never;
    const prepared = await pkiCa.prepare!(bare, see(BARE), changes, controller);
    expect(prepared).toMatchObject({ ok: true, value: { authority: AUTHORITY.certificate } });
    expect(made).toEqual([['etcd', { commonName: 'etcd-ca', organization: 'main', days: 3650 }]]);
    if (!prepared.ok) return;
    const { inputs } = pkiCa.write(prepared.value, changes, { run: 'r1', react: false });
    expect(inputs!.map(({ content }) => new TextDecoder().decode(content as Uint8Array))).toEqual([
      AUTHORITY.certificate,
    ]);
  });
});

const ADOPTED = { path: PATH, adopted: true };
const NEXT = 'put the certificate of the CA there, or let Quorate make one (etcd_pki: managed)';
const leaf = await issue();

describeCases(pkiCa, [
  {
    it: 'an adopted CA is left alone, whatever its mode',
    want: ADOPTED,
    observed: observe(OTHER.certificate, { mode: '0600' }),
  },
  {
    it: 'an adopted CA that is not there is refused',
    want: ADOPTED,
    observed: observe(undefined),
    changes: { refused: `${PATH} is adopted, but there is no certificate in it`, next: NEXT },
  },
  {
    it: 'an adopted CA that is none is refused',
    want: ADOPTED,
    observed: observe(leaf.certificate),
    changes: { refused: `${PATH} holds a certificate that is no CA's: m1`, next: NEXT },
  },
  {
    it: 'an adopted CA whose end has passed is refused',
    want: ADOPTED,
    observed: observe(OTHER.certificate, { now: new Date('2040-01-01T00:00:00Z') }),
    changes: { refused: `the CA in ${PATH} ended 2036-02-27 12:00Z`, next: NEXT },
  },
]);
