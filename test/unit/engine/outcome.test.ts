// From the two answers of a resource (its write, its reading afterwards) to how it ended.
import { expect, it } from 'vitest';
import type { Work } from '../../../src/engine/make-plan.ts';
import { resultOf } from '../../../src/engine/outcome.ts';
import { readBackId } from '../../../src/engine/write.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import type { Answer } from '../../../src/shell/program.ts';
import type { Value } from '../../../src/value.ts';
import { plan, workOf } from './scene.ts';

const encode = (text: string) => Buffer.from(text);

interface Case {
  write?: Partial<Answer>;
  /** What the reading afterwards printed; `new` is what is wanted. */
  after?: string;
  afterStatus?: number;
  want?: Value;
  /** It has no change of its own, and reacts to one that it watches. */
  reacting?: true;
  /** What the module makes of the output of a write. */
  saysChange?: boolean;
  outcome: string;
  why?: string;
  reason?: string;
  /** How many changes were really made. */
  actual?: number;
}

const CASES: { [promise: string]: Case } = {
  'what was written and reads back as wanted has changed': { after: 'new', outcome: 'changed', actual: 1 },
  'what reads back different has failed': {
    after: 'other',
    outcome: 'failed',
    reason: 'unproven',
    why: 'was written, but value reads back different',
  },
  'what cannot be read back has failed': {
    afterStatus: 1,
    outcome: 'failed',
    reason: 'unproven',
    why: 'was written, but the resource reads back different',
  },
  'what is odd afterwards has failed': { after: 'ODD', outcome: 'failed', reason: 'unproven' },
  'what a guard refuses afterwards has failed': { after: 'REFUSED', outcome: 'failed', reason: 'unproven' },
  'a script that ended with an error has failed, with what it said': {
    write: { status: 3, stderr: 'first\nno space\n' },
    outcome: 'failed',
    reason: 'script',
    why: 'it failed: first\nno space',
  },
  'without stderr it is what it printed': {
    write: { status: 1, stdout: encode('sorry\n') },
    outcome: 'failed',
    why: 'it failed: sorry',
  },
  'without either it is that': {
    write: { status: 1 },
    outcome: 'failed',
    why: 'it failed with status 1 and said nothing',
  },
  'a script that failed half-way tells what has changed all the same': {
    write: { status: 1 },
    after: 'new',
    outcome: 'failed',
    actual: 1,
  },
  'what its requisite left behind is blocked': {
    write: { state: 'blocked' },
    outcome: 'blocked',
    why: 'something it requires failed just before',
  },
  'what stands by and was not needed is skipped': { write: { state: 'skipped' }, outcome: 'skipped' },
  'a host that has moved is reported, never overwritten': {
    write: { state: 'moved' },
    after: 'other',
    outcome: 'failed',
    reason: 'moved',
    why: 'it is no longer as the plan saw it, so it was left alone',
  },
  'a host that has moved to what is wanted is ok': { write: { state: 'moved' }, after: 'new', outcome: 'ok' },
  'a reaction that was not done because the host has moved has failed, though nothing is left to change': {
    write: { state: 'moved' },
    after: 'new',
    reacting: true,
    outcome: 'failed',
    reason: 'moved',
  },
  'a content that did not arrive has failed, with the reason': {
    write: { state: 'input-failed', stderr: 'x\nno temporary file can be made in /etc\n' },
    outcome: 'failed',
    reason: 'script',
    why: 'its content could not be delivered: no temporary file can be made in /etc',
  },
  'a command that says it changed nothing is ok': { after: 'new', saysChange: false, outcome: 'ok' },
  'a command that says it changed something has changed': {
    after: 'new',
    saysChange: true,
    outcome: 'changed',
    actual: 1,
  },
  'what a host repeats of a secret is masked': {
    want: { password: new Sensitive('hunter2') },
    write: { status: 1, stderr: 'bad password: hunter2 (aHVudGVyMg==)' },
    outcome: 'failed',
    why: 'it failed: bad password: •••••• (••••••)',
  },
};

function workFor({ want, reacting, saysChange }: Case): Work {
  const intent = reacting
    ? plan({ resources: { b: {}, a: { watch: ['b'], reacts: true } }, seen: { m1: { a: 'new' } } })
    : plan({ resources: { a: want === undefined ? {} : { want } } });
  const work = workOf(intent, 'a');
  if (saysChange === undefined) return work;
  const module = { ...work.declaration.module, saysChange: () => saysChange };
  return { ...work, declaration: { ...work.declaration, module } };
}

function answer(id: string, more: Partial<Answer>): [string, Answer] {
  return [id, { id, state: 'ran', status: 0, stdout: encode(''), stderr: '', truncated: false, ms: 7, ...more }];
}

it.each(Object.entries(CASES))('%s', (_promise, given) => {
  const { after = 'old', afterStatus = 0 } = given;
  const answers = new Map([
    answer('a', given.write ?? {}),
    answer(readBackId('a'), { stdout: encode(after), status: afterStatus }),
  ]);
  const result = resultOf(workFor(given), answers, undefined)!;
  expect(result).toMatchObject({ host: 'm1', resource: 'a', module: 'test.word', outcome: given.outcome, ms: 7 });
  expect(result.actual).toHaveLength(given.actual ?? 0);
  if (given.why !== undefined) expect(result.why?.message).toBe(given.why);
  if (given.reason !== undefined) expect(result.why?.reason).toBe(given.reason);
  if (given.outcome === 'failed')
    expect(result.why).toMatchObject({ host: 'm1', resource: 'a', next: expect.stringMatching(/./) });
  if (given.outcome === 'changed' || given.outcome === 'ok') expect(result.why).toBeUndefined();
});

it('a resource without both answers has not ended', () => {
  const work = workFor({ outcome: '' });
  expect(resultOf(work, new Map(), undefined)).toBeUndefined();
  expect(resultOf(work, new Map([answer('a', {})]), undefined)).toBeUndefined();
});
