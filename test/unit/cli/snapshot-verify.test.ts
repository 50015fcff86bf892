// quorate snapshot verify: what it says of a file, of its receipt, and of a file that is not the one of its receipt.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Receipt } from '../../../src/etcd/snapshot/receipt.ts';
import { snapshotOf, VERSIONS } from '../etcd/snapshot/fixtures.ts';
import { createRig, type Rig } from './rig.ts';

const NAME = 'cdf818194e3a8c32-r21-20300101T020304Z';

async function rigWith(receipt?: (document: Receipt) => unknown): Promise<Rig> {
  const rig = await createRig();
  const snapshot = snapshotOf(VERSIONS.at(-1)!);
  writeFileSync(join(rig.folder, `${NAME}.db`), snapshot);
  if (receipt === undefined) return rig;
  const { document } = await verified(rig);
  const { size, sha256, revision, compacted, keys, prefixes } = document.snapshots[0];
  const text = receipt({
    schema: 1,
    cluster: { name: 'main', id: 'cdf818194e3a8c32' },
    time: '2030-01-01T02:03:04Z',
    member: { host: 'm2', id: '91bc3c398fb3c146' },
    etcdVersion: '3.5.30',
    size,
    sha256,
    revision,
    compacted,
    keys,
    prefixes,
    canary: { key: '/quorate/canary', value: '{"run":"x"}', revision: 21 },
    compared: { hosts: ['m1', 'm2', 'm3'], revision: 20, hash: '123' },
  });
  writeFileSync(join(rig.folder, `${NAME}.receipt.json`), typeof text === 'string' ? text : JSON.stringify(text));
  return rig;
}

async function verified(rig: Rig) {
  const { code, stdout, stderr } = await rig.quorate('snapshot', 'verify', `${NAME}.db`, '--json');
  return { code, stderr, document: JSON.parse(stdout) };
}

it('says what is in a snapshot, what that proves, and what it does not', async () => {
  const rig = await rigWith((receipt) => receipt);
  const before = rig.listing();
  const { code, stdout, stderr } = await rig.quorate('snapshot', 'verify', `${NAME}.db`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await expect(`$ quorate snapshot verify ${NAME}.db\n${stdout}`).toMatchFileSnapshot('snapshots/snapshot-verify.txt');
  expect(rig.listing()).toEqual(before);
});

it('does without a receipt, and says that there is none', async () => {
  const { code, document } = await verified(await rigWith());
  expect(code).toBe(0);
  expect(document).toMatchObject({ snapshots: [{ keys: 399, receipt: null }], failures: [] });
});

it.each<[string, (receipt: Receipt) => unknown, RegExp]>([
  ['another sha256', (receipt) => ({ ...receipt, sha256: 'a'.repeat(64) }), /not the file of its receipt\nsha256: aaa/],
  [
    'fewer pods',
    (receipt) => ({ ...receipt, prefixes: { ...receipt.prefixes, '/registry/pods': 51 } }),
    /keys of \/registry\/pods: 51 by the receipt, 50 in the file/,
  ],
  [
    'another canary',
    (receipt) => ({ ...receipt, canary: { ...receipt.canary, value: '{"run":"y"}' } }),
    /canary: \{"run":"y"\} by the receipt, \{"run":"x"\} in the file/,
  ],
  ['half a receipt', () => '{"schema": 1, ', /receipt\.json is no receipt of a snapshot: /],
  [
    'a field of the wrong type',
    (receipt) => ({ ...receipt, keys: '399' }),
    /no receipt of a snapshot: keys must be integer/,
  ],
])('refuses a snapshot beside %s', async (_, change, message) => {
  const { code, document } = await verified(await rigWith(change));
  expect(code).toBe(5);
  expect(document).toMatchObject({
    snapshots: [],
    failures: [{ reason: 'snapshot', message: expect.stringMatching(message), next: expect.any(String) }],
  });
});

it('refuses a damaged file with 5, and names one that is not there with 1', async () => {
  const rig = await rigWith();
  writeFileSync(join(rig.folder, 'cut.db'), snapshotOf(VERSIONS[0]!).subarray(0, 9999));
  expect(await rig.quorate('snapshot', 'verify', `${NAME}.db`, 'cut.db')).toMatchObject({
    code: 5,
    stdout: expect.stringContaining(`${NAME}.db: whole`),
    stderr: expect.stringMatching(/^cut\.db is no whole snapshot: .*\n {2}next: /),
  });
  expect(await rig.quorate('snapshot', 'verify', 'none.db')).toMatchObject({ code: 1, stdout: '' });
  expect(await rig.quorate('snapshot', 'verify', '.')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      '.: it is a directory\n  next: name a file in it (`quorate snapshot list --from .` shows the snapshots there)\n',
  });
});
