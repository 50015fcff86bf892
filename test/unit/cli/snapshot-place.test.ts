// The snapshot commands that need no cluster: what they print of a directory, and how they end when it cannot be.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { verifySnapshot } from '../../../src/engine/snapshot/verify.ts';
import type { Receipt } from '../../../src/etcd/snapshot/receipt.ts';
import { snapshotOf, VERSIONS } from '../etcd/snapshot/fixtures.ts';
import { createRig, type Rig } from './rig.ts';

const schema = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../schemas', name), 'utf8')) as object;
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema('snapshots.schema.json'));
const validateReceipt = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
  schema('snapshot-receipt.schema.json'),
);

const NAMES = [1, 2, 3].map((day) => `cdf818194e3a8c32-r21-2030010${day}T020304Z`);

/** A directory `kept` with three snapshots: of the second there is no receipt, that of the third is of another file. */
async function rigWithSnapshots(): Promise<Rig> {
  const rig = await createRig({ 'pillar/defaults.yaml': 'snapshot: { url: kept }\n' });
  mkdirSync(join(rig.folder, 'kept'));
  for (const [index, name] of NAMES.entries()) {
    const path = join(rig.folder, 'kept', `${name}.db`);
    writeFileSync(path, snapshotOf(VERSIONS.at(-1)!));
    const verified = await verifySnapshot(path);
    if (!verified.ok) throw new Error();
    const { size, sha256, content } = verified.value;
    const receipt: Receipt = {
      schema: 1,
      cluster: { name: 'main', id: 'cdf818194e3a8c32' },
      time: `2030-01-0${index + 1}T02:03:04.000Z`,
      member: { host: 'm2', id: '91bc3c398fb3c146' },
      etcdVersion: '3.5.30',
      size: index === 2 ? size + 1 : size,
      sha256,
      revision: content.revision,
      compacted: content.compacted,
      keys: content.keys,
      prefixes: content.prefixes,
      canary: null,
      compared: null,
    };
    expect(validateReceipt(receipt) || validateReceipt.errors).toBe(true);
    if (index !== 1) writeFileSync(join(rig.folder, 'kept', `${name}.receipt.json`), JSON.stringify(receipt));
  }
  writeFileSync(join(rig.folder, 'kept', 'other.db'), 'not ours');
  return rig;
}

async function run(rig: Rig, ...argv: string[]) {
  const { code, stdout } = await rig.quorate('snapshot', ...argv, '--json');
  const document = JSON.parse(stdout);
  expect(validate(document) || validate.errors).toBe(true);
  const snapshots = document.snapshots as { name: string; state: string }[];
  return { code, shown: snapshots.map(({ name, state }) => `${name} ${state}`), failures: document.failures };
}

it('list shows what there is, newest first, from the pillar or from --from, and touches nothing', async () => {
  const rig = await rigWithSnapshots();
  const before = rig.listing();
  const shown = [`${NAMES[2]}.db differs`, `${NAMES[1]}.db no receipt`, `${NAMES[0]}.db verified`];
  expect(await run(rig, 'list')).toEqual({ code: 0, shown, failures: [] });
  expect(await run(rig, 'list', '--from', 'kept')).toEqual({ code: 0, shown, failures: [] });
  expect(await run(rig, 'list', '--from', `kept/${NAMES[1]}.db`)).toMatchObject({ shown: [shown[1]] });
  const { code, stdout } = await rig.quorate('snapshot', 'list');
  const stable = stdout.replaceAll(/ +\d+ (?:min|h|d) /g, ' AGE ').replaceAll(/FOLDER|\/private/g, 'FOLDER');
  expect({ code, lines: stable.trim().split('\n').length }).toEqual({ code: 0, lines: 4 });
  expect(stable).toContain(`main`);
  mkdirSync(join(rig.folder, 'empty'));
  expect((await rig.quorate('snapshot', 'list', '--from', 'empty')).stdout).toBe('no snapshots\n');
  rmdirSync(join(rig.folder, 'empty'));
  expect(rig.listing()).toEqual(before);
  expect(rig.knocks()).toBe(0);
});

it.each([
  ['list', '--from', 'nowhere'],
  ['fetch', '--from', 'nowhere'],
  ['prune', '--from', 'nowhere', '--keep', '1'],
  ['rehearse', 'nowhere', '--on', 'm1'],
])('%s says that a directory is not there, which is not the same as one without snapshots', async (...argv) => {
  const rig = await rigWithSnapshots();
  const before = rig.listing();
  const { code, stdout, stderr } = await rig.quorate('snapshot', ...argv);
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^there is no directory .*nowhere\n {2}next: check the path\b/),
  });
  expect(rig.listing()).toEqual(before);
});

it('fetch takes the newest that was proved, and refuses one that is not the file of its receipt', async () => {
  const rig = await rigWithSnapshots();
  expect(await run(rig, 'fetch', '--from', 'kept', '--to', 'here')).toEqual({
    code: 0,
    shown: [`${NAMES[0]}.db verified`],
    failures: [],
  });
  expect(readdirSync(join(rig.folder, 'here')).sort()).toEqual([`${NAMES[0]}.db`, `${NAMES[0]}.receipt.json`]);
  expect(await run(rig, 'fetch', `${NAMES[2]}.db`, '--from', 'kept', '--to', 'there')).toMatchObject({
    code: 5,
    failures: [{ reason: 'snapshot', message: expect.stringMatching(/not the file of its receipt\nsize: /) }],
  });
  expect(readdirSync(join(rig.folder, 'there'))).toEqual([]);
  expect(await run(rig, 'fetch', 'none.db', '--from', 'kept')).toMatchObject({
    code: 1,
    failures: [{ reason: 'unknown' }],
  });
});

it('prune asks before anything goes, and leaves the last that is proved', async () => {
  const rig = await rigWithSnapshots();
  const before = rig.listing();
  expect(await run(rig, 'prune', '--from', 'kept', '--keep', '1', '--confirm')).toEqual({
    code: 0,
    shown: [],
    failures: [],
  });
  expect(await rig.quorate('snapshot', 'prune', '--from', 'kept', '--keep', '0')).toMatchObject({ code: 1 });
  expect(rig.listing()).toEqual(before);
});

it.each([
  [['save', '-t', 'masters', '--to', 'gs://bucket'], 1, /gs:\/\/ is not known/],
  [['save', '-t', 'workers', '--to', 'kept'], 1, /no cluster/],
  [['save', '-t', 'masters', '--to', 'kept/a.db', '--connect-limit', '1'], 1, /names a file/],
  [['list', '--from', 'host://m9/srv'], 1, /the inventory has no host m9/],
  [['list', '--from', 'host://m1/srv', '--connect-limit', '1'], 4, /m1: /],
  [['list', '--from', 'inventory.yaml'], 2, /ENOTDIR/],
])('%j ends with %i and says why', async (argv, code, message) => {
  const rig = await rigWithSnapshots();
  const ended = await rig.quorate('snapshot', ...argv);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).toMatch(/\n {2}next: /);
});
