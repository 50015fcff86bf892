// A state in words, for whoever reads before applying: what it includes, and each resource with what it waits for.
import { count } from '../report/layout.ts';
import type { StateTree } from '../states/list.ts';

type State = StateTree['includes'][number];
type Resource = State['resources'][number];

/** Included states stand below, in the order in which they are applied. */
export function describeStateTree(tree: StateTree): string {
  const { includes } = tree;
  const parts = [describeState(tree)];
  if (includes.length > 0) {
    parts.push(
      `It brings along ${count(includes.length, 'state')}, applied before it:`,
      ...includes.map(describeState),
    );
  }
  return parts.join('\n\n');
}

function describeState({ name, description, file, per, include, resources }: State): string {
  const width = Math.max(0, ...resources.map(({ id }) => id.length));
  const included = include.map(({ state, each, when }) => `  includes ${state}${describeChoice({ each, when })}`);
  return [
    name,
    ...description
      .trim()
      .split('\n')
      .map((line) => `  ${line}`),
    `  ${file}${per === undefined ? '' : ', once for each etcd cluster of the host'}`,
    ...(included.length > 0 ? ['', ...included] : []),
    ...(resources.length > 0 ? [''] : []),
    ...resources.flatMap((resource) => describeResource(resource, width)),
  ].join('\n');
}

function describeResource(resource: Resource, width: number): string[] {
  const { id, module, requisites, scope, disrupts } = resource;
  const about = [scope === 'cluster' ? 'once per cluster' : '', disrupts === undefined ? '' : `interrupts ${disrupts}`];
  const notes = about.filter((note) => note !== '').map((note) => `, ${note}`);
  return [
    `  ${id.padEnd(width)}  ${module}${notes.join('')}${describeChoice(resource)}`,
    ...Object.entries(requisites).map(([kind, ids]) => `  ${' '.repeat(width)}    ${kind}: ${ids.join(', ')}`),
  ];
}

function describeChoice({ each, when }: { each?: string | undefined; when?: string | undefined }): string {
  return `${each === undefined ? '' : `, for each ${each}`}${when === undefined ? '' : `, when ${when}`}`;
}
