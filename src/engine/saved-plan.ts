// A plan in a file: what it was made from and what it would do, so that apply can do exactly that or refuse.
import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Source } from '../inventory/inventory.ts';
import { explainReadError } from '../load/readable.ts';
import { maskChange } from '../modules/mask.ts';
import { isSensitive, reveal } from '../sensitive.ts';
import type { Loaded } from './load.ts';
import type { Intent } from './make-plan.ts';
import { controllerHome } from './places.ts';

/** Holds digests, fingerprints and redacted changes; never a program and never a secret. */
export interface SavedPlan {
  quorate: 'plan';
  schema: 1;
  run: string;
  at: string;
  /** Tells this controller's key from others, and nothing of the key. */
  controller: string;
  states: string[];
  targets: string[];
  sources: Source[];
  /** Of bootstraps, by cluster: applied, the plan makes the very cluster that was read of. */
  tokens: { [cluster: string]: string };
  notes: string[];
  steps: SavedStep[];
}

export interface SavedStep {
  host: string;
  resource: string;
  stage: number;
  /** HMAC, with a key of this controller, over the seen and the wanted values: it tells equal from different and nothing else. */
  fingerprint: string;
  /** For people; secrets are masked. */
  changes: unknown;
}

export function savePlan(loaded: Loaded, intent: Intent, key: Uint8Array): SavedPlan {
  const { plan } = intent;
  return {
    quorate: 'plan',
    schema: 1,
    run: plan.run,
    at: new Date().toISOString(),
    controller: nameKey(key),
    states: plan.states,
    targets: plan.targets,
    sources: loaded.sources,
    tokens: Object.fromEntries(
      plan.clusters.flatMap(({ name, beginning }) =>
        beginning?.kind === 'bootstrap' ? [[name, beginning.token]] : [],
      ),
    ),
    notes: plan.notes,
    steps: stepsOf(intent, key),
  };
}

function nameKey(key: Uint8Array): string {
  return createHmac('sha256', key).update('quorate plan').digest('hex').slice(0, 16);
}

function stepsOf(intent: Intent, key: Uint8Array): SavedStep[] {
  return [...intent.work.values()].map((work) => {
    const { id, module } = work.declaration;
    const bound = [module.name, module.fingerprint(work.seen), work.want, work.changes, work.react];
    return {
      host: work.host,
      resource: id,
      stage: intent.entries.get(work.key)?.stage ?? 0,
      fingerprint: createHmac('sha256', key).update(JSON.stringify(bound, revealed)).digest('hex'),
      changes: work.changes.map(maskChange),
    };
  });
}

/** Secrets count in the fingerprint, or a changed password would go unnoticed. */
function revealed(this: unknown, name: string, value: unknown): unknown {
  const holder = this as Record<string, unknown>;
  const original = holder[name];
  return isSensitive(original) ? reveal(original) : value;
}

/** Undefined: doing now is doing what was saved. Otherwise the refusal, which names every difference. */
export function compareWithSaved(
  saved: SavedPlan,
  loaded: Loaded,
  intent: Intent,
  key: Uint8Array,
): Failure | undefined {
  if (saved.controller !== nameKey(key)) {
    return {
      reason: 'plan-differs',
      message: `run ${saved.run} planned this with another controller's key, so nobody here can tell whether it is still the same`,
      next: 'apply it where it was planned, or make a new plan here, read it, and apply that',
    };
  }
  const differences = [
    ...differentNames('state', saved.states, intent.plan.states),
    ...differentNames('target', saved.targets, intent.plan.targets),
    ...differentSources(saved.sources, loaded.sources),
    ...differentSteps(saved.steps, stepsOf(intent, key)),
  ];
  if (differences.length === 0) return undefined;
  const shown = differences.slice(0, 8);
  const more = differences.length - shown.length;
  return {
    reason: 'plan-differs',
    message: `this is no longer the saved plan: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    next: 'make a new plan, read it, and apply that',
  };
}

function differentNames(word: string, before: string[], now: string[]): string[] {
  const gone = before.filter((name) => !now.includes(name)).map((name) => `${word} ${name} is no longer asked for`);
  return [...gone, ...now.filter((name) => !before.includes(name)).map((name) => `${word} ${name} was not in it`)];
}

function differentSources(before: Source[], now: Source[]): string[] {
  const then = new Map(before.map(({ file, sha256 }) => [file, sha256]));
  const changed = now
    .filter(({ file, sha256 }) => then.get(file) !== sha256)
    .map(({ file }) => `${file} has ${then.has(file) ? 'changed' : 'come'}`);
  const names = new Set(now.map(({ file }) => file));
  return [...changed, ...before.filter(({ file }) => !names.has(file)).map(({ file }) => `${file} is gone`)];
}

function differentSteps(before: SavedStep[], now: SavedStep[]): string[] {
  const name = (step: SavedStep) => `${step.resource} on ${step.host}`;
  const then = new Map(before.map((step) => [name(step), step]));
  const here = new Set(now.map(name));
  return [
    ...now.flatMap((step) => {
      const known = then.get(name(step));
      if (!known) return [`${name(step)} was not to be changed`];
      if (known.fingerprint !== step.fingerprint)
        return [`${name(step)} would change otherwise, or the host has moved`];
      return known.stage === step.stage ? [] : [`${name(step)} moved from stage ${known.stage} to ${step.stage}`];
    }),
    ...before.filter((step) => !here.has(name(step))).map((step) => `${name(step)} has nothing to change any more`),
  ];
}

export async function readSavedPlan(file: string): Promise<Attempt<SavedPlan>> {
  const next = 'give a file that `quorate plan -o FILE` wrote';
  const text = await readFile(file, 'utf8').catch((error: unknown) => error as Error);
  if (text instanceof Error) return fail({ ...explainReadError(`the plan ${file}`, text), next });
  const saved = parsePlan(text);
  if (saved === undefined) {
    const place = { file, line: 1, column: 1 };
    return fail({ reason: 'syntax', message: `${file} is not a saved plan`, place, next });
  }
  if (saved.schema !== 1) {
    const message = `${file} is a plan of schema ${JSON.stringify(saved.schema)}, and this version reads 1`;
    return fail({ reason: 'schema', message, next: 'make a new plan' });
  }
  if (!isWhole(saved)) return fail({ reason: 'schema', message: `the plan ${file} has been altered or cut`, next });
  return succeed(saved);
}

function parsePlan(text: string): Partial<Record<keyof SavedPlan, unknown>> | undefined {
  try {
    const saved = JSON.parse(text);
    return saved?.quorate === 'plan' ? saved : undefined;
  } catch {
    return undefined;
  }
}

/** What a comparison reads is there; whether it is right, the comparison finds out. */
function isWhole(saved: Partial<Record<keyof SavedPlan, unknown>>): saved is SavedPlan {
  const all = (list: unknown, check: (item: Record<string, unknown>) => boolean) =>
    Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null && check(item));
  const texts = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === 'string');
  return (
    typeof saved.controller === 'string' &&
    texts(saved.states) &&
    texts(saved.targets) &&
    tokensOf(saved.tokens) !== undefined &&
    all(saved.sources, ({ file, sha256 }) => texts([file, sha256])) &&
    all(saved.steps, (step) => texts([step.host, step.resource, step.fingerprint]) && typeof step.stage === 'number')
  );
}

function tokensOf(tokens: unknown): object | undefined {
  if (typeof tokens !== 'object' || tokens === null || Array.isArray(tokens)) return undefined;
  return Object.values(tokens).every((token) => typeof token === 'string' && token !== '') ? tokens : undefined;
}

/** The controller's own key, made at first use, readable by its owner alone. */
export async function controllerKey(env: NodeJS.ProcessEnv): Promise<Uint8Array> {
  const file = join(controllerHome(env), 'key');
  const known = await readFile(file).catch(() => undefined);
  if (known?.length === 32) return known;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Made whole beside its place and linked into it: of two first runs at once, one makes the key and both read it.
  const made = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(made, randomBytes(32), { mode: 0o600, flag: 'wx' });
  await link(made, file).catch(() => undefined);
  await unlink(made);
  return readFile(file);
}
