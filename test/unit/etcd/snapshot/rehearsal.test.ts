// What a restored member serves, held against its snapshot.
import { expect, it, test } from 'vitest';
import type { SnapshotContent } from '../../../../src/etcd/snapshot/content.ts';
import { CANARY_KEY, type Receipt } from '../../../../src/etcd/snapshot/receipt.ts';
import {
  compareRestored,
  countedPrefixes,
  ownCounts,
  type Restored,
  rehearsalName,
} from '../../../../src/etcd/snapshot/rehearsal.ts';

const CONTENT = {
  revision: 21,
  keys: 7,
  prefixes: { '/registry/pods': 4, '/registry/services': 1, '/registry/services/specs': 1, '(no prefix)': 1 },
  values: new Map([[CANARY_KEY, { value: Buffer.from('run'), revision: 21 }]]),
} as unknown as SnapshotContent;
const RESTORED: Restored = {
  revision: 21,
  keys: 7,
  prefixes: new Map([
    ['/registry/pods', 4],
    ['/registry/services', 1],
  ]),
  canary: 'run',
  hash: { revision: 20, compacted: 17, hash: '9' },
};
const receipt = (compared: Receipt['compared']) => ({ compared }) as Receipt;
const compared = { hosts: ['m1'], revision: 20, hash: '9', compacted: 17 };

test.each<[string, Partial<Restored>, Receipt | undefined, RegExp[]]>([
  ['nothing differs', {}, undefined, []],
  ['nor does the hash that the members had', {}, receipt(compared), []],
  ['another hash', {}, receipt({ ...compared, hash: '8' }), [/^hash of the data: 8 in the file, 9 in the member$/]],
  ['a hash of other changes tells nothing', {}, receipt({ ...compared, hash: '8', compacted: 16 }), []],
  ['nor one at another revision', {}, receipt({ ...compared, hash: '8', revision: 19 }), []],
  ['nor one from before it was written down', {}, receipt({ hosts: ['m1'], revision: 20, hash: '8' }), []],
  ['fewer keys', { keys: 6 }, undefined, [/^keys: 7 in the file, 6/]],
  ['a lost change', { revision: 20 }, undefined, [/^revision: 21 in the file, 20/]],
  ['another canary', { canary: 'old' }, undefined, [/^canary: run in the file, old/]],
  [
    'fewer of a kind',
    { prefixes: new Map([['/registry/pods', 3]]) },
    undefined,
    [/^keys of \/registry\/pods: 4 .*, 3/],
  ],
])('%s', (_what, restored, beside, expected) => {
  const differences = compareRestored(CONTENT, { ...RESTORED, ...restored }, beside);
  expect(differences).toEqual(expected.map((each) => expect.stringMatching(each)));
});

it('says so where the canary is gone', () => {
  const { canary: _gone, ...without } = RESTORED;
  expect(compareRestored(CONTENT, without, undefined)).toEqual(['canary: run in the file, nothing in the member']);
});

it('counts what lies within another prefix once', () => {
  const below = new Map([
    ['/registry/services', 5],
    ['/registry/services/specs', 3],
    ['/registry/services/specs/inner', 2],
    ['/registry/servicesx', 1],
  ]);
  expect(Object.fromEntries(ownCounts(below))).toEqual({
    '/registry/services': 2,
    '/registry/services/specs': 1,
    '/registry/services/specs/inner': 2,
    '/registry/servicesx': 1,
  });
});

it('asks for at most 300 kinds, those with the most keys, and none that no shell could name', () => {
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`/registry/k${index}`, index]));
  const asked = countedPrefixes({ prefixes: { ...many, '(no prefix)': 9999, '/bad\ufffd/x': 9999, '/nul\0': 9999 } });
  expect([asked.length, asked.includes('/registry/k399'), asked.includes('/registry/k99')]).toEqual([300, true, false]);
  expect(asked.filter((prefix) => !prefix.startsWith('/registry/'))).toEqual([]);
});

it('is called after its snapshot, or whatever the file is called', () => {
  const time = new Date('2030-01-02T03:04:05Z');
  expect(rehearsalName('ab-r1-x.db', time)).toBe('ab-r1-x.rehearsal-20300102T030405Z.json');
  expect(rehearsalName('backup', time)).toBe('backup.rehearsal-20300102T030405Z.json');
});
