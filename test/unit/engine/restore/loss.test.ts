// What would be lost, kind by kind: also of kinds that the snapshot has never seen.
import { expect, test } from 'vitest';
import { compareKinds } from '../../../../src/engine/restore/loss.ts';

const SNAPSHOT = {
  keys: 12,
  prefixes: { '/registry/services': 1, '/registry/services/specs': 2, '/registry/pods': 8 },
};

test.each<[string, { keys: number; below: number[] }, string[]]>([
  ['nothing', { keys: 12, below: [3, 2, 8] }, []],
  ['pods that are more now', { keys: 15, below: [3, 2, 11] }, ['/registry/pods: 11 now, 8 in the snapshot']],
  ['a kind within another', { keys: 13, below: [4, 3, 8] }, ['/registry/services/specs: 3 now, 2 in the snapshot']],
  ['a kind that the snapshot has none of', { keys: 15, below: [3, 2, 8] }, ['other kinds: 4 now, 1 in the snapshot']],
  [
    'all of it',
    { keys: 0, below: [0, 0, 0] },
    [
      '/registry/services: 0 now, 1 in the snapshot',
      '/registry/services/specs: 0 now, 2 in the snapshot',
      '/registry/pods: 0 now, 8 in the snapshot',
      'other kinds: 0 now, 1 in the snapshot',
    ],
  ],
])('%s', (_, current, kinds) => {
  expect(compareKinds(current, SNAPSHOT)).toEqual(kinds);
});
