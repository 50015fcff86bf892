// A plan as an operator wants to read it at 3 am: what happens, where, in which order, why, and what does not.

import { onlyRecords, type Plan, type PlanEntry } from '../engine/plan.ts';
import type { Stage } from '../graph/graph.ts';
import type { Disruption } from '../states/declaration.ts';
import { blockedBlocks } from './blocked.ts';
import { DEFAULT_WIDTH, type RenderOptions, renderChanges } from './changes.ts';
import { escapeForTerminal } from './escape.ts';
import { renderFailure, renderWhy } from './failures.ts';
import { type Block, indent, listHosts, renderGroups } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import { summarizePlan } from './plan-summary.ts';

/** Ends with {@link summarizePlan}'s line and a newline. */
export function renderPlan(plan: Plan, options: RenderOptions = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const paint = createPaint(options.color ?? false);
  const changed = new Set(plan.entries.filter((entry) => entry.verdict === 'change').map((entry) => entry.resource));
  const section = (title: string, blocks: Block[]) =>
    blocks.length === 0 ? [] : [[title, ...renderGroups(blocks, width, (hosts) => paint('bold', hosts))].join('\n')];

  const states = plan.states.map((state) => escapeForTerminal(state)).join(' ');
  const parts = [
    `${paint('bold', `Plan ${escapeForTerminal(plan.run)}`)}: ${states} on ${listHosts(plan.targets, width)}`,
    ...plan.notes.map((note) => paint('yellow', `! ${escapeForTerminal(note)}`)),
    ...plan.stages.flatMap((stage) =>
      section(
        paint('bold', titleOf(stage, plan)),
        plan.entries
          .filter((entry) => entry.stage === stage.number && (options.verbose || !onlyRecords(entry)))
          .map((entry) => stepBlock(entry, changed, options, paint)),
      ),
    ),
    ...section(paint('red', 'Refused'), problemBlocks(plan, 'refused', options)),
    ...section(paint('red', 'Failed'), problemBlocks(plan, 'failed', options)),
    ...unreachableHosts(plan, options, paint),
    ...section(paint('yellow', 'Blocked'), blockedBlocks(problems(plan, 'blocked'), options)),
    ...(options.verbose ? section('Skipped', problemBlocks(plan, 'skipped', options)) : []),
    ...(options.verbose ? section('Ok', plan.entries.filter((entry) => entry.verdict === 'ok').map(bareBlock)) : []),
    ...section('Read-only commands that ran to decide this', plan.entries.flatMap(commandBlocks)),
    paint('bold', summarizePlan(plan)),
  ];
  return `${parts.join('\n\n')}\n`;
}

const INTERRUPTS: { [what in Disruption]: string } = {
  etcd: "interrupts the host's etcd member",
  apiserver: "interrupts the host's control plane",
};

function titleOf(stage: Stage, plan: Plan): string {
  const on = (what: Disruption) =>
    stage.disrupts
      .filter((turn) => turn.what === what)
      .map(({ host, cluster }) => `${host} (cluster ${cluster})`)
      .join(', ');
  const [members, servers] = [on('etcd'), on('apiserver')];
  const gate = members === '' ? '' : `, interrupts etcd on ${members} behind the health gate`;
  const turn = servers === '' ? '' : `, interrupts the control plane on ${servers}`;
  return escapeForTerminal(`Stage ${stage.number} of ${plan.stages.length}${gate}${turn}`);
}

function bareBlock(entry: PlanEntry): Block {
  return { host: entry.host, subject: entry.resource, text: escapeForTerminal(entry.resource) };
}

function stepBlock(entry: PlanEntry, changed: ReadonlySet<string>, options: RenderOptions, paint: Paint): Block {
  // A step that only stands by is in a stage too, and says on what it depends.
  const certain = entry.verdict === 'change';
  const lines = [headOf(entry, certain ? paint('yellow', '~') : '?', paint)];
  if (!certain && entry.why) lines.push(`    ${escapeForTerminal(entry.why.message)}`);
  if (entry.changes.length > 0) lines.push(indent(renderChanges(entry.changes, options), 4));
  lines.push(...entry.reactsTo.map((cause) => `    ${describeReaction(entry, cause, changed)}`));
  if (entry.disrupts) lines.push(`    ${paint('yellow', INTERRUPTS[entry.disrupts])}`);
  return { host: entry.host, subject: entry.resource, text: lines.join('\n') };
}

function headOf(entry: PlanEntry, mark: string, paint: Paint): string {
  return `${mark} ${escapeForTerminal(entry.resource)}  ${paint('dim', escapeForTerminal(entry.module))}`;
}

/** `restarts because unit changes`; the state's own name is left out where both share it. */
function describeReaction(entry: PlanEntry, cause: string, changed: ReadonlySet<string>): string {
  const verb = REACTIONS[entry.module.split('.')[0]!] ?? 'reacts';
  const state = /^[^[]*\//.exec(entry.resource)?.[0];
  const name = escapeForTerminal(state !== undefined && cause.startsWith(state) ? cause.slice(state.length) : cause);
  if (changed.has(cause)) return `${verb} because ${name} changes`;
  return `${verb} because of ${name}`;
}

const REACTIONS: { readonly [family: string]: string } = { service: 'restarts', etcd: 'restarts', command: 'runs' };

function problemBlocks(plan: Plan, verdict: PlanEntry['verdict'], options: RenderOptions): Block[] {
  return problems(plan, verdict).map((entry) => {
    const why = entry.why ? `\n${renderWhy(entry.why, { color: options.color ?? false })}` : '';
    return { host: entry.host, subject: entry.resource, text: `${escapeForTerminal(entry.resource)}${why}` };
  });
}

function problems(plan: Plan, verdict: PlanEntry['verdict']): PlanEntry[] {
  return plan.entries.filter((entry) => entry.verdict === verdict && entry.stage === undefined);
}

/** A host that cannot be asked is told once, not once a resource. */
function unreachableHosts(plan: Plan, options: RenderOptions, paint: Paint): string[] {
  const told = [...plan.hosts.values()].flatMap(({ host, target, failure }) =>
    failure
      ? [
          indent(
            renderFailure({ ...failure, host }, { color: options.color ?? false }) +
              (target ? '' : '\n  (outside the target)'),
            2,
          ),
        ]
      : [],
  );
  return told.length === 0 ? [] : [[paint('red', 'Unreachable'), ...told].join('\n')];
}

function commandBlocks(entry: PlanEntry): Block[] {
  return entry.commands.map((command) => ({
    host: entry.host,
    subject: `${entry.resource} ${command}`,
    text: `${escapeForTerminal(entry.resource)}: ${escapeForTerminal(command)}`,
  }));
}
