// What a plan only writes down is told, and is no change.
import { describe, expect, it } from 'vitest';
import { onlyRecords, type PlanEntry } from '../../../src/engine/plan.ts';
import { renderPlan } from '../../../src/report/plan.ts';
import { summarizePlan } from '../../../src/report/plan-summary.ts';
import { examplePlan } from './example.ts';

const record = (more: Partial<PlanEntry> = {}): PlanEntry => ({
  host: 'm1',
  resource: 'kubernetes.etcd.guarded/member',
  module: 'etcd.member',
  verdict: 'change',
  stage: 1,
  changes: [{ path: 'ledger', before: null, after: { clusterId: 'c1' }, record: true }],
  reactsTo: [],
  commands: [],
  ...more,
});
const planOf = (...entries: PlanEntry[]) => ({
  ...examplePlan(),
  entries,
  notes: ['it is written down'],
  stages: [{ number: 1, steps: new Map(), disrupts: [] }],
});

describe('a plan that only writes down what is there', () => {
  it('has nothing to change, and shows what it would write where more is asked for', () => {
    const plan = planOf(record());
    expect(summarizePlan(plan)).toContain('nothing to change, 0 ok, 0 refused, 1 to write down');
    expect(renderPlan(plan)).not.toContain('Stage');
    expect(renderPlan(plan)).toContain('! it is written down');
    expect(renderPlan(plan, { verbose: true })).toMatch(/Stage 1 of 1[\s\S]*ledger/);
  });

  it('is one with changes as soon as there is another', () => {
    const plan = planOf(record(), record({ resource: 's/x', changes: [{ path: 'mode', before: '1', after: '2' }] }));
    expect(summarizePlan(plan)).toContain('1 to change in 1 stage, 0 ok, 0 refused, 1 to write down');
    expect(renderPlan(plan)).toContain('mode: 1 → 2');
    expect(renderPlan(plan)).not.toContain('ledger');
  });

  it('does not hide a reaction, nor what is refused', () => {
    expect(onlyRecords(record())).toBe(true);
    expect(onlyRecords(record({ reactsTo: ['x'] }))).toBe(false);
    expect(onlyRecords(record({ verdict: 'refused' }))).toBe(false);
    expect(onlyRecords(record({ changes: [] }))).toBe(false);
  });
});
