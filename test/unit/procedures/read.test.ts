// Procedures: each that is shipped can be read, and names states that are there; a mistake has its place.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { readProcedure } from '../../../src/procedures/read.ts';
import { findState, indexStates } from '../../../src/states/find.ts';

const STATES = join(import.meta.dirname, '../../../states');
const folder = mkdtempSync(join(tmpdir(), 'quorate-procedures-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(readdirSync(join(STATES, 'procedures')))('%s names states that are there', async (file) => {
  const procedure = await readProcedure(STATES, file.replace('.yaml', ''));
  if (!procedure.ok) throw new Error(procedure.failures[0]!.message);
  const index = await indexStates([STATES]);
  for (const { apply, unless } of procedure.value.steps)
    for (const state of [apply, ...(unless ? [unless] : [])])
      expect(findState(index, state, [STATES]), state).toMatchObject({ ok: true });
});

it('is no state', async () => {
  expect([...(await indexStates([STATES])).keys()].filter((name) => name.startsWith('procedures'))).toEqual([]);
});

it('waits for all hosts unless it says otherwise, and has its point of no return before API servers begin', async () => {
  const procedure = await readProcedure(STATES, 'restore');
  const steps = procedure.ok ? procedure.value.steps : [];
  const point = steps.findIndex(({ pointOfNoReturn }) => pointOfNoReturn);
  expect(steps[point]?.apply).toBe('kubernetes.restore.released');
  expect(steps[point - 1]?.apply).toBe('kubernetes.restore.proved');
  expect(steps.slice(0, point).map(({ barrier }) => barrier)).toEqual(Array(point).fill('all'));
});

it('says where a procedure is wrong', async () => {
  mkdirSync(join(folder, 'procedures'), { recursive: true });
  writeFileSync(
    join(folder, 'procedures/x.yaml'),
    'description: x\nsteps:\n  - title: a\n    apply: b\n    barier: all\n',
  );
  const procedure = await readProcedure(folder, 'x');
  expect(procedure).toMatchObject({
    ok: false,
    failures: [{ place: { line: 5, column: 5 }, message: expect.stringContaining('barier') }],
  });
});
