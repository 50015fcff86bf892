// States in a temporary directory, tiny modules, and one host to declare them for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Attempt, type Failure, formatPlace } from '../../../src/failure.ts';
import type { AnyModule, ParameterProperty } from '../../../src/modules/module.ts';
import type { Registry } from '../../../src/modules/registry.ts';
import type { Declaration, RenderContext } from '../../../src/states/declaration.ts';
import { loadStates, type StateSet } from '../../../src/states/load.ts';
import type { ValueMap } from '../../../src/value.ts';

export interface Rig {
  directory: string;
  load(...names: string[]): Promise<Attempt<StateSet>>;
  /** What `failures` say, each as `file:line:column: message (next)`, without the temporary directory. */
  tell(failures: Failure[]): string[];
}

/** Files by path; those without an extension of their own are states. */
export function createRig(files: { [path: string]: string }): Rig {
  const directory = mkdtempSync(join(tmpdir(), 'states-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const strip = (text: string) =>
    text
      .replaceAll(`${directory}/`, '')
      .replaceAll(`${relative('', directory)}/`, '')
      .replaceAll(directory, 'STATES');
  return {
    directory,
    load: (...names) => loadStates({ directories: [directory], names, modules: MODULES }),
    tell: (failures) =>
      failures.map(({ place, message, next }) =>
        strip(`${place ? `${formatPlace(place)}: ` : ''}${message}${next === undefined ? '' : ` (${next})`}`),
      ),
  };
}

/** A state file around `resources`, which are indented by the caller with two spaces. */
export function state(resources: string, include = ''): string {
  return `description: A test.\n${include}resources:\n${resources.replace(/^\n/, '')}`;
}

export const CONTEXT: RenderContext = {
  pillar: { port: 2379, name: 'etcd', flag: true, off: false, things: ['a', 'b'], nothing: null },
  host: { name: 'm1', address: '10.0.0.1', groups: ['masters'], vars: { rack: 'r1' } },
  cluster: {
    name: 'main',
    service: 'etcd',
    events: false,
    etcd_servers: 'https://10.0.0.1:2379,https://10.0.0.2:2379',
    api_servers: ['10.0.0.1:6443', '10.0.0.2:6443'],
    nodes: ['m1', 'm2'],
    members: [
      { name: 'm1', address: '10.0.0.1', pillar: {} },
      { name: 'm2', address: '10.0.0.2', pillar: {} },
    ],
  },
};

export function contextWith(pillar: ValueMap): RenderContext {
  return { ...CONTEXT, pillar: { ...CONTEXT.pillar, ...pillar } };
}

export function must<T>(attempt: Attempt<T>): T {
  if (!attempt.ok) throw new Error(attempt.failures.map(({ message }) => message).join('\n'));
  return attempt.value;
}

export function failuresOf(attempt: Attempt<unknown>): Failure[] {
  if (attempt.ok) throw new Error('it did not fail');
  return attempt.failures;
}

/** The declarations of state `s` for the host. */
export async function declare(files: { [path: string]: string }, context = CONTEXT): Promise<Declaration[]> {
  const set = must(await createRig(files).load('s'));
  return must(set.declare(context)).declarations;
}

/** What resource `x` of state `s` wants. */
export async function want(
  files: { [path: string]: string },
  context = CONTEXT,
  facts: ValueMap = {},
): Promise<ValueMap> {
  const [declaration] = await declare(files, context);
  const wanted = must(declaration!.render(facts));
  if (wanted.skip) throw new Error('it is skipped');
  return wanted.want;
}

/** What is said when state `s` is loaded, declared and rendered: the first step that fails. */
export async function complain(
  files: { [path: string]: string },
  context = CONTEXT,
  facts: ValueMap = {},
): Promise<string[]> {
  const rig = createRig(files);
  const set = await rig.load('s');
  if (!set.ok) return rig.tell(set.failures);
  const declared = set.value.declare(context);
  if (!declared.ok) return rig.tell(declared.failures);
  return declared.value.declarations.flatMap((each) => {
    const wanted = each.render(facts);
    return wanted.ok ? [] : rig.tell(wanted.failures);
  });
}

function createModule(
  name: `${string}.${string}`,
  properties: { [name: string]: ParameterProperty },
  more: object = {},
): AnyModule {
  return {
    name,
    schema: {
      type: 'object',
      description: name,
      properties,
      required: Object.keys(properties).slice(0, 1),
      additionalProperties: false,
    },
    claims: (id: ValueMap) => `${name.split('.')[0]}:${Object.values(id)[0]}`,
    read: () => '',
    parse: () => undefined,
    diff: () => [],
    expect: () => undefined,
    fingerprint: () => '',
    write: () => ({ script: '' }),
    ...more,
  };
}

export const MODULES: Registry = new Map(
  [
    createModule('file.managed', {
      path: { type: 'string', pattern: '^/', description: 'Where the file is', 'x-identity': true },
      content: { type: 'string', description: 'Its content', 'x-sensitive': true },
      template: { type: 'string', description: 'Its template', 'x-template': true },
      document: { description: 'Its data', 'x-sensitive': true },
      format: { enum: ['yaml', 'json'], description: 'How the data is written' },
      mode: { type: 'string', pattern: '^0[0-7]{3}$', description: 'Its mode', default: '0644', examples: ['0600'] },
    }),
    createModule('service.running', {
      name: { type: 'string', description: 'The unit', 'x-identity': true },
      enabled: { type: 'boolean', description: 'At boot too', default: true },
    }),
    createModule(
      'command.run',
      {
        command: { type: 'string', description: 'What to run', 'x-shell': true },
        creates: { type: 'string', description: 'What it makes', 'x-identity': true },
      },
      { needsGuard: true, claims: () => undefined },
    ),
    createModule(
      'test.any',
      {
        value: { description: 'Anything' },
        id: { description: 'Own', 'x-identity': true },
        secret: { description: 'Secret', 'x-sensitive': true },
      },
      { claims: () => undefined },
    ),
  ].map((module) => [module.name, async () => module]),
);
