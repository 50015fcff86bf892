// States by name, with all that they include, read and checked once for all hosts.
import { type Attempt, type Failure, fail, formatPlace, type Place, succeed } from '../failure.ts';
import type { Source } from '../inventory/inventory.ts';
import { createSchemaChecker } from '../load/schema.ts';
import type { AnyModule } from '../modules/module.ts';
import type { Registry } from '../modules/registry.ts';
import type { HostDeclarations, RenderContext } from './declaration.ts';
import { declareHost } from './declare.ts';
import { findState, fullName, indexStates } from './find.ts';
import { createHelpers } from './functions.ts';
import { loadParser } from './handlebars.ts';
import { type Parameters, readParameters } from './parameters.ts';
import type { Syntax } from './parse.ts';
import { checkReferences } from './references.ts';
import { type Reading, readState, type State } from './statefile.ts';

export interface LoadStatesOptions {
  /** Searched in this order: the operator's own first, then the shipped ones. */
  directories: string[];
  names: string[];
  modules: Registry;
}

export interface StateSet {
  /** The full names of those that were asked for, each once. */
  names: string[];
  /** By name, the included ones too. */
  states: ReadonlyMap<string, State>;
  /** The files of the states and of their templates. */
  sources: Source[];
  /** What the states declare for one host. Fails with everything that can be found wrong at once. */
  declare(context: RenderContext): Attempt<HostDeclarations>;
}

/** Fails with `unknown`, `syntax`, `schema`, `duplicate`, `cycle`, `template` or `unreadable`, each with its place. */
export async function loadStates(options: LoadStatesOptions): Promise<Attempt<StateSet>> {
  const { directories, modules } = options;
  const [index, syntax] = await Promise.all([indexStates(directories), loadSyntax()]);
  const { check } = createSchemaChecker();
  const fullNameOf = (name: string) => fullName(index, name);
  const names = [...new Set(options.names.map(fullNameOf))];
  const parameters = new Map<AnyModule, Parameters>();
  const parametersOf = (module: AnyModule): Parameters => {
    const known = parameters.get(module) ?? readParameters(module, check);
    parameters.set(module, known);
    return known;
  };
  const reading: Reading = { modules, parametersOf, syntax, check, fullNameOf };

  const states = new Map<string, State>();
  const failures: Failure[] = [];
  const wanted: { name: string; place?: Place }[] = names.map((name) => ({ name }));
  const asked = new Set<string>();
  for (const { name, place } of wanted) {
    if (asked.has(name)) continue;
    asked.add(name);
    const file = findState(index, name, directories, place);
    const state = file.ok ? await readState(file.value, reading) : file;
    if (!state.ok) {
      failures.push(...state.failures);
      continue;
    }
    states.set(name, state.value);
    wanted.push(...state.value.include.map((include) => ({ name: include.state, place: include.place })));
  }
  failures.push(...findCycles(states));
  if (failures.length === 0) failures.push(...checkReferences(states, index));
  if (failures.length > 0) return fail(...failures);

  const sources = new Map(
    [...states.values()].flatMap((state) => state.sources).map((source) => [source.file, source]),
  );
  return succeed({
    names,
    states,
    sources: [...sources.values()],
    declare: (context) => declareHost(states, names, context, syntax.helpers, fullNameOf),
  });
}

/** Three functions of semver instead of all of it: loading is a good part of what a small run costs. */
async function loadSyntax(): Promise<Syntax> {
  const [parse, parseVersion, satisfies, validRange] = await Promise.all([
    loadParser(),
    import('semver/functions/parse.js'),
    import('semver/functions/satisfies.js'),
    import('semver/ranges/valid.js'),
  ]);
  const versions = { parse: parseVersion.default, satisfies: satisfies.default, validRange: validRange.default };
  return { parse, helpers: createHelpers(versions) };
}

/** Every inclusion that leads back to where it began, once, with the whole way. */
function findCycles(states: ReadonlyMap<string, State>): Failure[] {
  const failures: Failure[] = [];
  const done = new Set<string>();
  for (const name of states.keys()) visit(name, []);
  return failures;

  function visit(name: string, way: { name: string; place: Place }[]): void {
    if (done.has(name)) return;
    for (const { state, place } of states.get(name)?.include ?? []) {
      const steps = [...way, { name, place }];
      const start = steps.findIndex((step) => step.name === state);
      if (start < 0) visit(state, steps);
      else failures.push(explainCycle(steps.slice(start)));
    }
    done.add(name);
  }
}

function explainCycle(steps: { name: string; place: Place }[]): Failure {
  const way = steps.map(({ name, place }) => `${name} (${formatPlace(place)})`).join(' → ');
  return {
    reason: 'cycle',
    message: `states include each other: ${way} → ${steps[0]!.name}`,
    place: steps.at(-1)!.place,
    next: 'remove one of these includes',
  };
}
