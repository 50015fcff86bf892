// Every finding from a table: what is different from a healthy cluster of three, and what is said about it.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge } from '../../../../src/etcd/diagnosis/diagnose.ts';
import { FINDING_KINDS, type FindingKind } from '../../../../src/etcd/diagnosis/finding.ts';
import type { SeenHost } from '../../../../src/etcd/diagnosis/seen.ts';
import { summarize } from '../../../../src/report/status.ts';
import { ENDINGS } from './cases/endings.ts';
import { HISTORIES } from './cases/histories.ts';
import { MEMBERSHIP } from './cases/membership.ts';
import { SERVICE } from './cases/service.ts';
import { answered, CLUSTER, DOWN, kinds, leaderless, listed, look, NO_LIST, SILENT, unreachable } from './scene.ts';

const CASES = [...SERVICE, ...HISTORIES, ...MEMBERSHIP, ...ENDINGS];

describe('what is found', () => {
  test.each(CASES)('$what', ({ spoiled, size, found, says, sums }) => {
    const diagnosis = look(spoiled, size);
    expect(kinds(diagnosis)).toEqual(found);
    if (says) expect(diagnosis.findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(says));
    if (sums) expect(summarize(diagnosis.standings)).toBe(sums);
    for (const { message, next } of diagnosis.findings) expect([message, next].join()).not.toMatch(/undefined|\.$|NaN/);
  });

  test('every kind of finding is in the table', () => {
    const told = new Set(CASES.flatMap(({ found }) => found.map((text) => text.split(' ')[1] as FindingKind)));
    expect(FINDING_KINDS.filter((kind) => !told.has(kind))).toEqual([]);
  });

  test('docs/status.md says for each kind how to read it, in the same order', () => {
    const page = readFileSync(new URL('../../../../docs/status.md', import.meta.url), 'utf8');
    expect([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind)).toEqual([...FINDING_KINDS]);
  });
});

test('the cluster that goes on is the one with most members that serve, not the one that was asked first', () => {
  const alone = {
    ...answered(1, { clusterId: 'beef', memberId: 'f00', leader: true, leaderId: 'f00', revision: 99_999 }),
    list: [listed(1, { id: 'f00' })],
  };
  const others = { leaderId: '91bc3c398fb3c146' };
  const { standings } = look({ 1: alone, 2: answered(2, { ...others, leader: true }), 3: answered(3, others) });
  expect(standings).toMatchObject({ clusterId: CLUSTER, voters: 3, healthy: 2 });
  expect(standings.members.map(({ state, leader }) => `${state} ${leader}`)).toEqual([
    'foreign false',
    'serving true',
    'serving false',
  ]);
});

test('the verdict is what scripts go by', () => {
  expect(judge(look().findings)).toBe('healthy');
  expect(judge(look({ 2: unreachable(2) }).findings)).toBe('unreachable');
  expect(judge(look({ 1: unreachable(1), 2: unreachable(2), 3: unreachable(3) }).findings)).toBe('unreachable');
  expect(judge(look({ 2: DOWN, 3: unreachable(3) }).findings)).toBe('critical');
  expect(judge(look({}, 4).findings)).toBe('warning');
});

test('whatever hosts say or do not say, the arithmetic holds and nothing throws', () => {
  const states = fc.constantFrom('well', 'down', 'unreachable', 'leaderless', 'silent');
  const spoil = (state: string, at: number): Partial<SeenHost> => {
    if (state === 'down') return DOWN;
    if (state === 'unreachable') return unreachable(at);
    if (state === 'leaderless') return leaderless(at);
    return state === 'silent' ? { ...SILENT, ...NO_LIST } : {};
  };
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 5 }), (all) => {
      const spoiled = Object.fromEntries(all.map((state, index) => [index + 1, spoil(state, index + 1)]));
      const { standings, findings } = look(spoiled, all.length);
      const well = all.filter((state) => state === 'well').length;
      expect(standings).toMatchObject({ voters: all.length, healthy: well });
      expect(standings.serves === 'yes').toBe(well > 0);
      expect(findings.some(({ kind }) => ['no-quorum', 'no-leader', 'nothing-known'].includes(kind))).toBe(well === 0);
    }),
  );
});
