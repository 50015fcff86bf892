// A plan in one line.
import { onlyRecords, type Plan, type PlanEntry } from '../engine/plan.ts';
import { count } from './layout.ts';

const SAID_IF_ANY: readonly PlanEntry['verdict'][] = ['failed', 'blocked', 'skipped'];

/** `3 hosts: 12 to change in 2 stages, 30 ok, 0 refused`, and what else there is. */
export function summarizePlan(plan: Plan): string {
  const number = (verdict: PlanEntry['verdict']) => plan.entries.filter((entry) => entry.verdict === verdict).length;
  const records = plan.entries.filter(onlyRecords).length;
  const change = number('change') - records;
  const unreachable = [...plan.hosts.values()].filter((host) => host.failure !== undefined).length;
  return `${count(plan.targets.length, 'host')}: ${[
    change === 0 ? 'nothing to change' : `${change} to change in ${count(plan.stages.length, 'stage')}`,
    `${number('ok')} ok`,
    `${number('refused')} refused`,
    ...(records > 0 ? [`${records} to write down`] : []),
    ...SAID_IF_ANY.filter((verdict) => number(verdict) > 0).map((verdict) => `${number(verdict)} ${verdict}`),
    ...(unreachable > 0 ? [`${count(unreachable, 'host')} unreachable`] : []),
  ].join(', ')}`;
}
