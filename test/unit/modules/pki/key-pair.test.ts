// The key pair that all hosts share: made once, the same everywhere, and never a second one beside a lost one.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Controller } from '../../../../src/modules/module.ts';
import { pkiKeyPair } from '../../../../src/modules/pki/key_pair.ts';
import { keepAuthorities } from '../../../../src/pki/keeper.ts';
import { keepKeys } from '../../../../src/pki/key-keeper.ts';
import { Host, SHELLS } from '../host.ts';

type Want = Parameters<typeof pkiKeyPair.diff>[0];
type Seen = Parameters<typeof pkiKeyPair.diff>[1];

let home: string;
let controller: Controller;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'quorate-keys-'));
  const cluster = {
    name: 'main',
    ledger: async () => undefined,
    authorities: keepAuthorities(home),
    keys: keepKeys(home),
  };
  controller = { host: 'm1', cluster };
});
afterEach(() => rmSync(home, { recursive: true }));

const BARE: Seen = { key: { kind: 'absent' }, public: { kind: 'absent' } };
const kept = () => join(home, 'sa/sa.key');

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  let want: Want;
  beforeEach(() => {
    host = new Host(shell);
    want = { path: join(host.root, 'sa'), name: 'sa' };
  });
  afterEach(() => host.remove());

  const see = () => pkiKeyPair.parse(host.run(pkiKeyPair.read(want)));
  async function recalled(): Promise<Want> {
    const attempt = await pkiKeyPair.recall!(want, controller, [{ host: 'm1', seen: BARE }]);
    if (!attempt.ok) throw new Error(attempt.failures[0]!.message);
    return attempt.value;
  }
  async function apply() {
    const before = await recalled();
    const changes = pkiKeyPair.diff(before, see(), undefined);
    if (!Array.isArray(changes)) throw new Error(changes.refused);
    const prepared = await pkiKeyPair.prepare!(before, see(), changes, controller);
    if (!prepared.ok) throw new Error(prepared.failures[0]!.message);
    const written = host.write(pkiKeyPair.write(prepared.value, changes, { run: 'r1', react: false }));
    expect([written.status, written.stderr]).toEqual([0, '']);
    return changes;
  }

  it('is put there as a key for its owner alone and its public half, and is then converged', async () => {
    expect(await apply()).toEqual([{ path: 'key pair', before: null, after: null, later: true }]);
    expect(readFileSync(`${want.path}.key`, 'utf8')).toBe(readFileSync(kept(), 'utf8'));
    expect(readFileSync(`${want.path}.pub`, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect([`${want.path}.key`, `${want.path}.pub`, kept()].map((file) => statSync(file).mode & 0o777)).toEqual([
      0o600, 0o644, 0o600,
    ]);
    expect(pkiKeyPair.diff(await recalled(), see(), undefined)).toEqual([]);
    const expected = pkiKeyPair.expect(await recalled(), BARE);
    expect(pkiKeyPair.diff(await recalled(), expected, undefined)).toEqual([]);
    expect(host.run(pkiKeyPair.read(want)).stdout.toString()).not.toContain('PRIVATE');
  });

  it('replaces another one, which stays in the trash, and shows neither', async () => {
    await apply();
    writeFileSync(`${want.path}.key`, 'another');
    const changes = await apply();
    expect(changes).toEqual([{ path: 'key', before: 'another one', after: "the cluster's" }]);
    expect(readFileSync(join(host.home, 'trash/r1/1/sa.key'), 'utf8')).toBe('another');
  });

  it('refuses what is no file', async () => {
    mkdirSync(`${want.path}.pub`);
    expect(pkiKeyPair.diff(await recalled(), see(), undefined)).toMatchObject({
      refused: `${want.path}.pub is a directory, not a file`,
    });
  });
});

const WANT: Want = { path: '/etc/kubernetes/pki/sa', name: 'sa' };
const HAS: Seen = {
  ...BARE,
  key: { kind: 'regular', size: 1, sha256: 'x', mode: '0600', owner: 'root', group: 'root', uid: '0', gid: '0' },
};

describe('a controller without it', () => {
  const recall = (...siblings: { host: string; seen?: Seen }[]) => pkiKeyPair.recall!(WANT, controller, siblings);

  it('makes none while it plans, says that one will be, and where', async () => {
    const attempt = await recall({ host: 'm1', seen: BARE }, { host: 'm2', seen: BARE });
    if (!attempt.ok) throw new Error('refused');
    expect(existsSync(kept())).toBe(false);
    expect(pkiKeyPair.warn!(attempt.value, BARE)).toEqual([
      `a new key pair is made, and kept in ${kept()} on this controller: back it up (docs/pki.md)`,
    ]);
  });

  it('refuses to make one where a host has one', async () => {
    expect(await recall({ host: 'm1', seen: BARE }, { host: 'm2', seen: HAS })).toMatchObject({
      ok: false,
      failures: [
        {
          reason: 'guard',
          message: 'this controller has no key pair sa for cluster main, but m2 has /etc/kubernetes/pki/sa.key',
          next: `bring back ${kept()} from the backup, or copy /etc/kubernetes/pki/sa.key of m2 there (mode 0600)`,
        },
      ],
    });
  });

  it('and where a host may have one', async () => {
    expect(await recall({ host: 'm1', seen: BARE }, { host: 'm2' })).toMatchObject({
      ok: false,
      failures: [{ reason: 'guard', message: expect.stringContaining('m2 could not be asked for an earlier one') }],
    });
  });
});

describe('the keeper', () => {
  it('makes one key however many ask at once', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => controller.cluster!.keys.make('sa')));
    expect(new Set(made.map((each) => each.ok && each.value.publicKey)).size).toBe(1);
  });

  it('takes a key of kubeadm’s, which is RSA', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    mkdirSync(join(home, 'sa'));
    writeFileSync(kept(), String(privateKey.export({ type: 'pkcs1', format: 'pem' })), { mode: 0o600 });
    const read = await controller.cluster!.keys.read('sa');
    expect(read).toMatchObject({ ok: true, value: { publicKey: expect.stringContaining('BEGIN PUBLIC KEY') } });
    expect(JSON.stringify(read)).not.toContain('PRIVATE');
  });

  it.each([
    ['is readable by others', 'x', 0o644, 'may be read by others than its owner (mode 0644)'],
    ['is no key', 'x', 0o600, 'holds no private key'],
  ])('does not use what %s', async (_case, text, mode, message) => {
    mkdirSync(join(home, 'sa'));
    writeFileSync(kept(), text, { mode });
    const read = await controller.cluster!.keys.read('sa');
    expect(read).toMatchObject({ ok: false, failures: [{ message: expect.stringContaining(message) }] });
  });
});
