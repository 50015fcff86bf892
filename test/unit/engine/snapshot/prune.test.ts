// Which snapshots go: never the last that is proved, never what nothing is known of, never more than was said.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CatalogueEntry, choosePrunable } from '../../../../src/engine/snapshot/catalogue.ts';

const NOW = new Date('2030-06-01T00:00:00Z');
const DAY = 24 * 60 * 60 * 1000;

const entries = fc.array(
  fc
    .record({
      cluster: fc.constantFrom('aa', 'bb'),
      days: fc.integer({ min: 0, max: 60 }),
      revision: fc.nat(1000),
      state: fc.constantFrom<CatalogueEntry['state']>('verified', 'verified', 'no receipt', 'differs'),
    })
    .map(({ cluster, days, revision, state }, index = 0): CatalogueEntry => {
      const time = new Date(NOW.getTime() - days * DAY);
      return {
        url: '/srv',
        name: `${cluster}-${revision}-${days}-${index}`,
        size: 1,
        time,
        revision,
        clusterId: cluster,
        state,
      };
    }),
  { maxLength: 30 },
);

it('of each cluster the newest proved ones stay, whatever else there is', () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: -1, max: 5 }), fc.integer({ min: 0, max: 40 }), (all, keep, keepDays) => {
      const going = new Set(choosePrunable(all, { keep, keepDays, now: NOW }));
      for (const clusterId of ['aa', 'bb']) {
        const proved = all.filter((entry) => entry.clusterId === clusterId && entry.state === 'verified');
        const staying = proved.filter((entry) => !going.has(entry));
        expect(staying.length).toBeGreaterThanOrEqual(Math.min(proved.length, Math.max(1, keep)));
        const newest = Math.max(...proved.map(({ time }) => time.getTime()));
        if (proved.length > 0) expect(staying.some(({ time }) => time.getTime() === newest)).toBe(true);
        for (const gone of proved.filter((entry) => going.has(entry))) {
          expect(staying.filter(({ time }) => time >= gone.time).length).toBeGreaterThanOrEqual(Math.max(1, keep));
          expect(NOW.getTime() - gone.time.getTime()).toBeGreaterThan(keepDays * DAY);
        }
      }
      for (const entry of going) expect(entry.state).toBe('verified');
    }),
  );
});

it('two places are pruned each by itself', () => {
  const of = (url: string, days: number): CatalogueEntry => ({
    url,
    name: `${days}`,
    size: 1,
    time: new Date(NOW.getTime() - days * DAY),
    revision: 1,
    clusterId: 'aa',
    state: 'verified',
  });
  const all = [of('/one', 1), of('/one', 2), of('/two', 3)];
  expect(choosePrunable(all, { keep: 1, keepDays: 0, now: NOW })).toEqual([all[1]]);
});
