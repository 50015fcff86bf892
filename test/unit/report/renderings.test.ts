// One readable snapshot for each rendering: what an operator reads, as it is reviewed.
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Result } from '../../../src/engine/events.ts';
import { type Failure, fail } from '../../../src/failure.ts';
import { renderFailure, renderFailures } from '../../../src/report/failures.ts';
import { createLiveListener } from '../../../src/report/live.ts';
import { createPlainListener } from '../../../src/report/plain.ts';
import { renderPlan } from '../../../src/report/plan.ts';
import { summarizePlan } from '../../../src/report/plan-summary.ts';
import { renderReport } from '../../../src/report/report.ts';
import { exampleEvents, examplePlan, exampleReport } from './example.ts';
import { createTerminal } from './terminal.ts';

const SOURCE = ['resources:', '  unit:', '    mode: 0644', '    content: {a: 1}', '    überschrift: 漢字 "x" # note'];
const readLine = (file: string, line: number) => (file === 'states/s.yaml' ? SOURCE[line - 1] : undefined);
const FAILURES: Failure[] = fail(
  {
    reason: 'schema',
    place: { file: 'states/s.yaml', line: 3, column: 11 },
    message: 'mode is the number 420, but must be a string',
    next: 'put it in quotes: "0644"',
  },
  {
    reason: 'schema',
    place: { file: 'states/s.yaml', line: 4, column: 15 },
    host: 'm1',
    resource: 's/unit',
    message: 'a is not expected here',
  },
  { reason: 'schema', place: { file: 'states/s.yaml', line: 5, column: 21 }, message: 'a string is expected' },
  { reason: 'unreadable', place: { file: 'gone.yaml', line: 1, column: 1 }, message: 'no such file' },
  { reason: 'unreachable', host: 'm3', message: 'no route to host\x1b[2J', next: 'look whether it is up' },
).failures;

test('a plan says what happens, where, in which order and why, and what does not', async () => {
  await expect(renderPlan(examplePlan())).toMatchFileSnapshot('snapshots/plan.txt');
});

test('a verbose plan also tells what is skipped and what is already as wanted', async () => {
  await expect(renderPlan(examplePlan(), { verbose: true })).toMatchFileSnapshot('snapshots/plan-verbose.txt');
});

test('a report is a table of hosts, what failed with the reason and the next step, and where the journal is', async () => {
  await expect(renderReport(exampleReport())).toMatchFileSnapshot('snapshots/report.txt');
});

test('failures show the line at fault with a squiggle under it', async () => {
  await expect(`${renderFailures(FAILURES, { readLine })}\n`).toMatchFileSnapshot('snapshots/failures.txt');
});

test('plain lines have a time in UTC, and tell the details only when asked', async () => {
  const lines = { quiet: [] as string[], verbose: [] as string[] };
  for (const event of exampleEvents()) {
    createPlainListener((line) => lines.quiet.push(line))(event);
    createPlainListener((line) => lines.verbose.push(line), { verbose: true })(event);
  }
  for (const line of lines.verbose) expect(line).toMatch(/^2030-01-02T03:04:05\.678Z \S/);
  expect(lines.verbose).toEqual(expect.arrayContaining(lines.quiet));
  await expect(
    `${lines.verbose.map((line) => `${lines.quiet.includes(line) ? ' ' : 'v'} ${line}`).join('\n')}\n`,
  ).toMatchFileSnapshot('snapshots/plain.txt');
});

test('colour is only added where it is asked for, and adds nothing else', () => {
  const pairs: [string, string][] = [
    [renderPlan(examplePlan()), renderPlan(examplePlan(), { color: true })],
    [renderReport(exampleReport()), renderReport(exampleReport(), { color: true })],
    [renderFailures(FAILURES, { readLine }), renderFailures(FAILURES, { readLine, color: true })],
  ];
  for (const [plain, colored] of pairs) {
    expect(plain).not.toContain('\x1b');
    expect(colored).toContain('\x1b[');
    expect(stripVTControlCharacters(colored)).toBe(plain);
  }
});

test('what one refusal holds up is told once for each host, and by name when asked', () => {
  const why: Failure = {
    reason: 'guard',
    message: 'it requires s/member on m1, which is refused',
    next: 'mend m1 first',
  };
  const other: Failure = { reason: 'guard', message: 'it requires s/unit on m2, which is failed' };
  const report = {
    ...exampleReport(),
    results: [
      ...['ca', 'server', 'peer'].map((name) => blockedResult('m1', `s/${name}`, why)),
      blockedResult('m2', 's/service', other),
    ],
  };
  const told = renderReport(report);
  expect(told).toContain('s/ca and 2 more (-v names them)\n      it requires s/member on m1, which is refused\n');
  expect(told).toContain('    s/service\n      it requires s/unit');
  expect(told.match(/mend m1 first/g)).toHaveLength(1);
  expect(renderReport(report, { verbose: true })).toMatch(/s\/ca\n(.|\n)*s\/server\n(.|\n)*s\/peer\n/);
});

function blockedResult(host: string, resource: string, why: Failure): Result {
  return { host, resource, module: 'file.managed', outcome: 'blocked', why, predicted: [], actual: [], ms: 0 };
}

test('hosts with the same changes are told together, others under their own names', () => {
  const plan = renderPlan(examplePlan());
  expect(plan).toMatch(/^ {2}m1 m2\n {4}~ kubernetes\.etcd\.configured\/data /m);
  expect(plan).toMatch(/^ {2}m1\n {4}~ kubernetes\.etcd\.configured\/environment /m);
});

test('a reaction to something that is not in this plan does not claim that it changes', () => {
  const plan = examplePlan();
  const etcd = plan.entries.find((entry) => entry.host === 'm2' && entry.reactsTo.length > 0)!;
  etcd.reactsTo = ['an earlier run that did not finish'];
  expect(renderPlan(plan)).toContain('restarts because of an earlier run that did not finish');
});

test('the second round of a founding has a title before its plan, in a log and on a terminal', async () => {
  const title = 'second round: cluster main is founded and serves; now `new` becomes `existing`';
  const event = { ...exampleEvents().find(({ type }) => type === 'planned')!, founded: ['main'] };
  const lines: string[] = [];
  createPlainListener((line) => lines.push(line))(event);
  expect(lines[0]).toMatch(/ second round: /);
  expect(lines[0]!.split('\n')[0]).toContain(title);
  expect(lines[0]!.split('\n')[1]).toMatch(/^plan: /);

  const terminal = createTerminal();
  const listener = createLiveListener(terminal.stream, { color: false });
  listener(event);
  await listener.settle();
  expect(terminal.text()).toContain(title);
});

test('a step that only stands by is told in its stage, with the condition', () => {
  const plan = examplePlan();
  const tuned = plan.entries.find((entry) => entry.verdict === 'skipped')!;
  Object.assign(tuned, { stage: 1, why: { reason: 'guard', message: 'only if what it stands by for (onfail) fails' } });
  expect(renderPlan(plan)).toMatch(
    /^ {4}\? kubernetes\.etcd\.configured\/tuned .*\n {8}only if what it stands by for/m,
  );
  expect(renderPlan({ ...plan, entries: [tuned] }, { verbose: true })).not.toContain('Skipped');
});

test('many lines of a host are marked, so that none can pass for a line of ours', () => {
  const failure: Failure = {
    reason: 'script',
    host: 'm1',
    message: 'ended with status 1: a\nnext: rm -rf /',
    next: 'mend it',
  };
  expect(renderFailure(failure)).toBe('m1: ended with status 1: a\n  | next: rm -rf /\n  next: mend it');
});

test('a plan with nothing to do says so in one line', () => {
  const plan = { ...examplePlan(), stages: [], notes: [] };
  plan.entries = plan.entries.filter((entry) => entry.verdict === 'ok');
  plan.hosts = new Map();
  expect(summarizePlan(plan)).toBe('3 hosts: nothing to change, 2 ok, 0 refused');
});

test('a fault far to the right is shown with what is around it', () => {
  const line = `${'a'.repeat(500)} fault ${'b'.repeat(500)}`;
  const place = { file: 'f', line: 1, column: 502 };
  const shown = renderFailure({ reason: 'syntax', message: 'bad', place }, { readLine: () => line }).split('\n');
  expect(shown[1]!.length).toBeLessThan(150);
  expect(shown[1]!.slice(shown[2]!.indexOf('~'), shown[2]!.lastIndexOf('~') + 1)).toBe('fault');
});
