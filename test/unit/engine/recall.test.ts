// What the controller adds to a plan and to an apply: before every diff what it has, before a write what it makes.
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../src/engine/make-plan.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { recallAll } from '../../../src/engine/recall.ts';
import { savePlan } from '../../../src/engine/saved-plan.ts';
import { fail, succeed } from '../../../src/failure.ts';
import type { AnyModule } from '../../../src/modules/module.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import { find, load, type Scene, workOf } from './scene.ts';

/** The scene with every resource's module replaced in part. */
async function intend(scene: Scene, hooks: Partial<AnyModule>) {
  const loaded = load(scene);
  for (const node of loaded.graph.nodes.values()) {
    for (const declaration of node.declarations.values()) Object.assign(declaration.module, hooks);
  }
  const context = { home: '/nowhere', loaded };
  return { context, loaded, intent: makePlan('r1', loaded, await recallAll(context, find(scene, loaded))) };
}

const M3 = ['m1', 'm2', 'm3'];
const REMEMBERED: Partial<AnyModule> = { recall: async () => succeed({ value: 'remembered' }) };

describe('recall', () => {
  it('completes what is wanted before the difference is taken', async () => {
    const { intent } = await intend({ resources: { a: {} } }, REMEMBERED);
    expect(intent.plan.entries[0]!.changes).toEqual([{ path: 'value', before: 'old', after: 'remembered' }]);
    expect(workOf(intent, 'a').want).toEqual({ value: 'remembered' });
    const converged = await intend({ resources: { a: {} }, seen: { m1: { a: 'remembered' } } }, REMEMBERED);
    expect(converged.intent.plan.entries[0]!.verdict).toBe('ok');
  });

  it('knows the cluster, and the same resource on each of its members; of one that cannot be asked, that', async () => {
    const asked: unknown[] = [];
    const recall: AnyModule['recall'] = async (want, controller, siblings) => {
      asked.push([controller.host, controller.cluster?.name, controller.cluster?.authorities.place('etcd'), siblings]);
      return succeed(want);
    };
    const scene: Scene = { resources: { a: {} }, hosts: M3, down: ['m3'], seen: { m2: { a: 'NOT-HERE' } } };
    await intend(scene, { recall });
    const siblings = [{ host: 'm1', seen: 'old' }, { host: 'm3' }];
    expect(asked).toEqual([['m1', 'main', '/nowhere/pki/main/etcd', siblings]]);
  });

  it.each([
    ['refused', 'guard'],
    ['failed', 'unreadable'],
  ] as const)(
    'that fails leaves the resource %s if the reason is %s, and blocks what requires it',
    async (verdict, reason) => {
      const recall = async () => fail({ reason, message: 'no', next: 'mend it' });
      const { intent } = await intend({ resources: { a: {}, b: { require: ['a'] } } }, { recall });
      expect(intent.plan.entries[0]).toMatchObject({
        verdict,
        why: { reason, host: 'm1', resource: 'a', message: 'no' },
      });
      expect(intent.work.size).toBe(0);
    },
  );

  it('that crashes is a result of its resource', async () => {
    const recall = async () => {
      throw new Error('boom');
    };
    const { intent } = await intend({ resources: { a: {} } }, { recall });
    expect(intent.plan.entries[0]).toMatchObject({
      verdict: 'failed',
      why: { message: expect.stringContaining('boom') },
    });
  });
});

const LATER: Partial<AnyModule> = {
  diff: (want, seen) =>
    seen === 'new'
      ? []
      : [{ path: 'value', before: seen, after: want.made ?? null, ...(want.made ? {} : { later: true }) }],
  prepare: async (want) => succeed({ ...want, made: 'a fingerprint', key: new Sensitive('KEY') }),
};

describe('what exists only later', () => {
  it('says from which stage on, in the plan, in its work and in a saved plan', async () => {
    const { intent, loaded } = await intend({ resources: { a: {} } }, LATER);
    expect(intent.plan.entries[0]!.changes[0]).toMatchObject({ before: 'old', after: '(known after stage 1)' });
    expect(workOf(intent, 'a').changes[0]).toMatchObject({ after: '(known after stage 1)' });
    const saved = savePlan(loaded, intent, new Uint8Array(32));
    expect(saved.steps[0]!.changes).toEqual([{ path: 'value', before: 'old', after: '(known after stage 1)' }]);
  });

  it('is made by prepare alone, and then is what really changed', async () => {
    const { context, intent } = await intend({ resources: { a: {} } }, LATER);
    const work = workOf(intent, 'a');
    const prepared = await prepare(context, intent, work);
    expect(prepared).toMatchObject({
      ok: true,
      value: { want: { made: 'a fingerprint' }, prepared: [{ path: 'value', before: 'old', after: 'a fingerprint' }] },
    });
    expect(work.want).not.toHaveProperty('made');
  });

  it('is not made where nothing changes', async () => {
    const { context, intent } = await intend({ resources: { a: {} } }, LATER);
    const work = { ...workOf(intent, 'a'), changes: [] };
    expect(await prepare(context, intent, work)).toEqual({ ok: true, value: work });
  });

  it('that cannot be made is a failure with a next step, not a crash', async () => {
    const prepareOrCrash = async () => {
      throw new Error('boom');
    };
    const { context, intent } = await intend({ resources: { a: {} } }, { ...LATER, prepare: prepareOrCrash });
    const prepared = await prepare(context, intent, workOf(intent, 'a'));
    expect(prepared).toMatchObject({ ok: false, failures: [{ message: expect.stringContaining('boom') }] });
  });
});

it('what an operator should know stands once in the notes, with its hosts; of what is not to be done nothing does', async () => {
  const warn: AnyModule['warn'] = ({ value }) => [`${value} is made`];
  const resources: Scene['resources'] = { a: { want: 'one' }, b: { want: 'other', onfail: ['a'] } };
  const { intent } = await intend({ resources, hosts: M3, seen: { m2: { a: 'REFUSED' } } }, { warn });
  expect(intent.plan.notes).toEqual(['m1, m3: one is made']);
});
