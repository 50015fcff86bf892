// The tables of `status` as an operator sees them: the snapshots are there to be read. And the documents, by their schema.
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { FINDING_KINDS } from '../../../src/etcd/diagnosis/finding.ts';
import type { SeenHost } from '../../../src/etcd/diagnosis/seen.ts';
import { renderStatus } from '../../../src/report/status.ts';
import { toStatusJson } from '../../../src/report/status-json.ts';
import { DOWN, leaderless, listed, look, NOW, type Spoiled, status, unreachable } from '../etcd/diagnosis/scene.ts';

const HOSTILE = 'm1\u001b[2J\u202e';
const stray: Partial<SeenHost> = {
  member: {
    state: 'answered',
    status: status(3, { clusterId: 'beef', memberId: 'f00', leader: true, leaderId: 'f00', revision: 1, raftTerm: 2 }),
  },
  list: [listed(3, { id: 'f00' })],
};
const four = [listed(1), listed(2), listed(3), listed(4, { name: '', started: false })];

const SCENES: Record<string, { spoiled: Spoiled; width?: number; aged?: true }> = {
  healthy: { spoiled: {} },
  'one-down': { spoiled: { 2: DOWN } },
  'no-quorum': { spoiled: { 1: unreachable(1), 2: DOWN, 3: leaderless(3) } },
  'nothing-known': { spoiled: { 1: unreachable(1), 2: unreachable(2), 3: unreachable(3) } },
  'split-brain': { spoiled: { 3: stray } },
  narrow: { spoiled: { 3: { member: { state: 'silent', said: 'context deadline exceeded' } } }, width: 80 },
  watched: { spoiled: { 2: unreachable(2) }, aged: true },
  undeclared: { spoiled: { 1: { list: four }, 2: { list: four }, 3: { list: four } } },
};

const seenAt = new Map([1, 2, 3].map((at) => [`m${at}`, new Date(NOW.getTime() - at * 1000)]));

describe('rendered', () => {
  it.each(Object.entries(SCENES))('%s', async (name, { spoiled, width = 100, aged }) => {
    const options = { width, now: NOW, ...(aged ? { seenAt } : {}) };
    const text = renderStatus([look(spoiled)], { color: false, ...options });
    await expect(`${text}\n`).toMatchFileSnapshot(`snapshots/status-${name}.txt`);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    const colored = renderStatus([look(spoiled)], { color: true, ...options });
    expect(stripVTControlCharacters(colored)).toBe(text);
    expect(colored).not.toBe(text);
  });

  it('nothing that a host says reaches the terminal', () => {
    const said = { state: 'silent' as const, said: `oh\u001b]0;title\u0007 ${HOSTILE}` };
    const list = [listed(1), listed(2), listed(3), listed(4, { name: HOSTILE, peerUrls: [HOSTILE] })];
    const version = status(1, { version: HOSTILE });
    const text = renderStatus(
      [look({ 1: { member: { state: 'answered', status: version }, list }, 2: { list }, 3: { member: said } })],
      { color: false, width: 100, now: NOW },
    );
    expect(text).toContain('\\x1b[2J\\u{202e}');
    expect(text).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

describe('the document', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../schemas/status.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv2020({ allErrors: true, strict: true, validateFormats: false }).compile(schema);
  const figures = new Map([...seenAt].map(([host, at]) => [host, { at, programs: 1 }]));
  const print = (spoiled: Spoiled) => JSON.parse(JSON.stringify(toStatusJson([look(spoiled)], figures, NOW)));

  it.each(Object.entries(SCENES))('is what the schema says: %s', (_name, { spoiled }) => {
    expect(validate(print(spoiled)) || validate.errors).toBe(true);
  });

  it('has what scripts look for', () => {
    const document = print({ 2: DOWN });
    expect(document).toMatchObject({ schema: 1, at: '2030-01-01T00:00:00.000Z', verdict: 'critical' });
    expect(document.clusters[0]).toMatchObject({ name: 'main', serves: 'yes', leader: 'm1', quorum: 2, tolerance: 0 });
    expect(document.clusters[0].members[1]).toMatchObject({ host: 'm2', state: 'down', programs: 1, age: 2000 });
  });

  it('the schema knows every kind of finding, and is not so wide that anything fits', () => {
    expect(schema.$defs.finding.properties.kind.enum).toEqual([...FINDING_KINDS]);
    expect(validate({ ...print({}), extra: 1 })).toBe(false);
    expect(validate({ ...print({}), verdict: 'fine' })).toBe(false);
  });

  it('every field is described', () => {
    const describe = (part: { description?: string; properties?: object; oneOf?: object[]; items?: object }): void => {
      if (!('$ref' in part)) expect(part.description, JSON.stringify(part)).toBeTruthy();
      for (const inner of [...Object.values(part.properties ?? {}), ...(part.oneOf ?? [])]) describe(inner);
    };
    for (const part of [schema, ...Object.values(schema.$defs)]) describe(part as object);
  });
});
