// A saved plan: apply does exactly that, or names every difference; no secret stands in it, and none changes unnoticed.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Loaded } from '../../../src/engine/load.ts';
import type { Intent } from '../../../src/engine/make-plan.ts';
import {
  compareWithSaved,
  controllerKey,
  readSavedPlan,
  type SavedPlan,
  savePlan,
} from '../../../src/engine/saved-plan.ts';
import type { Source } from '../../../src/inventory/inventory.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import { load, plan, type Scene, workOf } from './scene.ts';

const KEY = new Uint8Array(32).fill(7);
const SCENE: Scene = { resources: { a: {}, b: { require: ['a'] }, c: {} }, seen: { m1: { c: 'new' } } };

/** What is said about doing `now` what was saved of `before`. */
function compare(
  before: Scene,
  now: Scene,
  change: (loaded: Loaded, intent: Intent, saved: SavedPlan) => void = () => {},
) {
  const saved = JSON.parse(JSON.stringify(savePlan(load(before), plan(before), KEY))) as SavedPlan;
  const [loaded, intent] = [load(now), plan(now)];
  change(loaded, intent, saved);
  return compareWithSaved(saved, loaded, intent, KEY);
}

type Change = (loaded: Loaded, intent: Intent, saved: SavedPlan) => void;

const DIFFERENCES: { [what: string]: [now: Scene, said: string | undefined, change?: Change] } = {
  'the same': [SCENE, undefined],
  'another wanted value': [
    { ...SCENE, resources: { ...SCENE.resources, a: { want: 'newer' } } },
    'a on m1 would change otherwise, or the host has moved',
  ],
  'a host that has moved': [
    { ...SCENE, seen: { m1: { a: 'other', c: 'new' } } },
    'a on m1 would change otherwise, or the host has moved',
  ],
  'a host that has moved where the plan shows nothing of it': [
    SCENE,
    'a on m1 would change otherwise, or the host has moved',
    (_loaded, intent) => Object.assign(workOf(intent, 'a'), { seen: 'other' }),
  ],
  'something more to do': [{ ...SCENE, seen: {} }, 'c on m1 was not to be changed'],
  'something less to do': [
    { ...SCENE, seen: { m1: { a: 'new', c: 'new' } } },
    'a on m1 has nothing to change any more',
  ],
  'another state': [SCENE, 'state other was not in it', (_loaded, intent) => intent.plan.states.push('other')],
  'a state less': [SCENE, 'state s is no longer asked for', (_loaded, intent) => intent.plan.states.pop()],
  'another target': [SCENE, 'target m9 was not in it', (_loaded, intent) => intent.plan.targets.push('m9')],
  'a target less': [SCENE, 'target m1 is no longer asked for', (_loaded, intent) => intent.plan.targets.pop()],
  'a changed file': [
    SCENE,
    'states/s.yaml has changed',
    ({ sources }) => sources.splice(0, 1, source('states/s.yaml')),
  ],
  'a new file': [SCENE, 'pillar/new.yaml has come', ({ sources }) => sources.push(source('pillar/new.yaml'))],
  'a file that is gone': [SCENE, 'states/s.yaml is gone', ({ sources }) => sources.pop()],
  'another stage': [
    SCENE,
    'a on m1 moved from stage 2 to 1',
    (_loaded, _intent, saved) => Object.assign(saved.steps[0]!, { stage: 2 }),
  ],
  'another controller': [
    SCENE,
    "planned this with another controller's key",
    (_loaded, _intent, saved) => Object.assign(saved, { controller: 'another' }),
  ],
};

function source(file: string): Source {
  return { file, sha256: 'bb' };
}

describe('a saved plan', () => {
  it.each(Object.entries(DIFFERENCES))('tells %s from what would be done now', (_what, [now, said, change]) => {
    const failure = compare(SCENE, now, change);
    if (said === undefined) return expect(failure).toBeUndefined();
    expect(failure).toMatchObject({ reason: 'plan-differs', next: expect.stringContaining('make a new plan') });
    expect(failure!.message).toContain(said);
  });

  it('tells a reaction from none', () => {
    const watched: Scene['resources'] = { a: {}, b: { watch: ['a'], reacts: true } };
    expect(compare({ resources: watched }, { resources: { ...watched, b: { reacts: true } } })?.message).toContain(
      'b on m1 would change otherwise',
    );
  });

  it('names at most eight differences, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`r${at}`, {}]));
    const failure = compare(
      { resources: many },
      { resources: many, seen: { m1: Object.fromEntries(Object.keys(many).map((id) => [id, 'x'])) } },
    );
    expect(failure!.message.match(/would change otherwise/g)).toHaveLength(8);
    expect(failure!.message).toMatch(/; and 4 more$/);
  });
});

describe('a secret in a saved plan', () => {
  const secret = (text: string): Scene => ({
    resources: { a: { want: { user: 'root', password: [new Sensitive({ deep: text })] } } },
  });

  it('is noticed when it changes', () => {
    expect(compare(secret('hunter2'), secret('hunter2'))).toBeUndefined();
    expect(compare(secret('hunter2'), secret('hunter3'))?.message).toContain('a on m1 would change otherwise');
  });

  it('does not stand in it, nor does a digest that could be guessed', () => {
    const saved = (key: Uint8Array) =>
      JSON.stringify(savePlan(load(secret('hunter2')), plan(secret('hunter2')), key).steps);
    expect(saved(KEY)).not.toContain('hunter2');
    expect(saved(KEY)).toContain('••••••');
    expect(saved(KEY)).not.toBe(saved(new Uint8Array(32).fill(8)));
  });

  it('is masked on the other side too: what becomes a secret now was one all along', () => {
    const scene: Scene = { resources: { a: { want: new Sensitive('new') } }, seen: { m1: { a: 'hunter1' } } };
    expect(JSON.stringify(savePlan(load(scene), plan(scene), KEY))).not.toContain('hunter1');
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-saved-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const whole = savePlan(load(SCENE), plan(SCENE), KEY);

  it('a plan is read as it was saved', async () => {
    const file = join(folder, 'plan.json');
    writeFileSync(file, JSON.stringify(whole));
    expect(await readSavedPlan(file)).toEqual({ ok: true, value: whole });
  });

  it.each([
    ['', 'is not a saved plan'],
    ['null', 'is not a saved plan'],
    ['{"quorate":"result"}', 'is not a saved plan'],
    ['{"quorate":"plan","schema":"1"}', 'is a plan of schema "1", and this version reads 1'],
    ...(['states', 'targets', 'sources', 'steps', 'controller'] as const).map((field) => [
      JSON.stringify({ ...whole, [field]: [null] }),
      'has been altered or cut',
    ]),
    [JSON.stringify({ ...whole, steps: [{ ...whole.steps[0], stage: '1' }] }), 'has been altered or cut'],
  ])('%j is refused: it %s', async (text, said) => {
    const file = join(folder, 'other.json');
    writeFileSync(file, text!);
    const read = await readSavedPlan(file);
    expect(read.ok ? 'read' : read.failures.map(({ message }) => message)).toEqual([expect.stringContaining(said!)]);
  });

  it("the controller's key is made once, for two first runs at once too, and is its owner's alone", async () => {
    const env = { XDG_STATE_HOME: folder };
    const keys = await Promise.all(Array.from({ length: 20 }, () => controllerKey(env)));
    for (const key of keys) expect(Buffer.compare(key, keys[0]!)).toBe(0);
    expect(keys[0]).toHaveLength(32);
    expect(readdirSync(join(folder, 'quorate'))).toEqual(['key']);
    expect(statSync(join(folder, 'quorate/key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'quorate')).mode & 0o777).toBe(0o700);
  });
});
