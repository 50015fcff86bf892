// A canary wherever a secret can be: no listener and no rendering may sing it.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Failure } from '../../../src/failure.ts';
import type { Change } from '../../../src/modules/module.ts';
import { renderChanges } from '../../../src/report/changes.ts';
import { renderFailures } from '../../../src/report/failures.ts';
import { toJournalLine } from '../../../src/report/journal-lines.ts';
import { toJson } from '../../../src/report/json.ts';
import { createLiveListener } from '../../../src/report/live.ts';
import { createPlainListener } from '../../../src/report/plain.ts';
import { renderPlan } from '../../../src/report/plan.ts';
import { renderReport } from '../../../src/report/report.ts';
import { MASK, Sensitive } from '../../../src/sensitive.ts';
import { exampleEvents, examplePlan, exampleReport } from './example.ts';
import { createTerminal } from './terminal.ts';

const CANARY = 'c4n4ry';
const secret = new Sensitive(CANARY);
const CHANGES: Change[] = [
  { path: 'whole', before: secret, after: new Sensitive(`${CANARY}\n${CANARY}2\n`) },
  { path: 'created', before: null, after: secret },
  { path: 'plain-before', before: CANARY, after: secret },
  { path: 'plain-text-before', before: `${CANARY}\nx\n`, after: secret },
  { path: 'plain-map-before', before: { password: CANARY }, after: secret },
  { path: 'in-map', before: { user: 'a', password: secret }, after: { user: 'b', password: secret } },
  { path: 'only-in-map', before: { password: secret }, after: { password: new Sensitive(`${CANARY}3`) } },
  { path: 'in-map-one-side', before: { password: CANARY, user: 'a' }, after: { password: secret, user: 'b' } },
  { path: 'map-of-secret-before', before: { deep: { password: CANARY } }, after: { deep: secret } },
  { path: 'in-list', before: [secret, 'a'], after: ['a', secret] },
  { path: 'in-list-shifted', before: ['first', CANARY], after: [secret] },
  { path: 'deep', before: null, after: [{ a: [{ b: new Sensitive({ c: CANARY }) }] }] },
];

/** More than a Failure has: what somebody may hang on one some day. */
const FAILURE = {
  reason: 'script',
  host: 'm1',
  message: `the password ${secret} is wrong`,
  next: `not ${String(secret)}`,
  cause: { stdin: CANARY, password: secret },
  params: { password: secret },
} as Failure;

function planWithSecrets() {
  const plan = examplePlan();
  for (const entry of plan.entries) {
    entry.changes = CHANGES;
    entry.why = FAILURE;
    entry.commands = [`test ${secret}`];
  }
  plan.hosts.set('m1', {
    host: 'm1',
    target: true,
    facts: { password: secret, nested: { password: CANARY } },
    failure: FAILURE,
  });
  plan.notes.push(`${secret}`);
  return plan;
}

function reportWithSecrets() {
  const report = exampleReport();
  for (const result of report.results) Object.assign(result, { predicted: CHANGES, actual: CHANGES, why: FAILURE });
  report.failures.push(FAILURE);
  return report;
}

const plan = planWithSecrets();
const report = reportWithSecrets();
const events = [
  ...exampleEvents(plan, report),
  { type: 'host-failed' as const, at: new Date(), host: 'm1', failure: FAILURE },
];

async function watchLive(): Promise<string> {
  const terminal = createTerminal(200);
  const listener = createLiveListener(terminal.stream);
  for (const event of events) listener(event);
  await listener.settle();
  return terminal.text();
}

function collectPlain(): string {
  const lines: string[] = [];
  for (const event of events) createPlainListener((line) => lines.push(line), { verbose: true })(event);
  return lines.join('\n');
}

test.each<[string, () => string | Promise<string>]>([
  ['changes', () => renderChanges(CHANGES, { verbose: true })],
  ['plan', () => renderPlan(plan, { verbose: true })],
  ['report', () => renderReport(report, { verbose: true })],
  ['failures', () => renderFailures(report.failures)],
  ['JSON document', () => JSON.stringify(toJson(report, plan))],
  ['JSON document, inspected', () => inspect(toJson(report, plan), { depth: 20 })],
  ['journal', () => events.map(toJournalLine).join('\n')],
  ['plain lines', collectPlain],
  ['live tree', watchLive],
])('no secret in: %s', async (_name, render) => {
  const text = await render();
  expect(text).not.toContain(CANARY);
  expect(text).toMatch(new RegExp(`${MASK}|secret`));
});
