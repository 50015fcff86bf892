// A live tree on a terminal: one row a host, redrawn as things happen; one tree for each part of the run.
import type { Listener, RunEvent } from '../engine/events.ts';
import { escapeForTerminal } from './escape.ts';
import { count, formatDuration } from './layout.ts';
import { createTree, type Row, type Tree } from './live-tree.ts';
import { describeEvent, describeFailure, describeResult, describeRound } from './sentences.ts';

/** A listener whose output may lag behind: `settle` waits until all it was told is written and the terminal is free. */
export type SettlingListener = Listener & { settle(): Promise<void> };

/** Writes to `stream` alone. Whoever else wants to write there, or ask there, awaits `settle` first. */
export function createLiveListener(stream: NodeJS.WriteStream, options: { color?: boolean } = {}): SettlingListener {
  let tree: Tree | undefined;
  let drawn: Promise<void> = Promise.resolve();

  const close = () => {
    for (const row of tree?.rows.values() ?? []) row.finish();
    tree = undefined;
  };
  const open = (title: string, hosts: readonly string[]) => {
    close();
    const next = createTree(title, hosts);
    tree = next;
    // One after the other: the next tree begins below the last line of this one.
    const draw = () => next.draw(stream, options.color ?? true);
    // What is drawn is never worth ending a run that is changing hosts.
    drawn = drawn.then(draw).catch((error) => say(`the live view failed: ${escapeForTerminal(String(error))}`));
  };
  const say = (line: string) => {
    drawn = drawn.then(() => void stream.write(`${line}\n`));
  };

  const listener: Listener = (event) => {
    switch (event.type) {
      case 'run-started':
        return open(`Looking at ${count(event.targets.length, 'host')}`, event.targets);
      case 'stage-started':
        return open(`Stage ${event.stage} of ${event.stages}`, event.hosts);
      case 'proving':
        return open('Proving', event.hosts);
      case 'planned':
        tree?.retitle(tree.title);
        close();
        for (const title of describeRound(event)) say(title);
        for (const note of event.plan.notes) say(`! ${escapeForTerminal(note)}`);
        return;
      case 'step-started':
      case 'step-skipped':
        close();
        return say(describeEvent(event, true)!);
      case 'stage-finished':
        return close();
      case 'run-finished':
        close();
        return say(describeEvent(event, true)!);
      case 'lock-waiting':
      case 'interrupting': {
        const sentence = describeEvent(event, true)!;
        return tree ? tree.retitle(sentence) : say(sentence);
      }
      default:
        updateRow(tree?.rows.get(event.type === 'resource-finished' ? event.result.host : event.host), event);
    }
  };
  return Object.assign(listener, {
    settle() {
      close();
      return drawn;
    },
  });
}

type HostEvent = Extract<RunEvent, { host: string } | { type: 'resource-finished' }>;

/** A host without a row is a peer that is only asked: it is in the plan and in the report. */
function updateRow(row: Row | undefined, event: HostEvent): void {
  if (!row) return;
  switch (event.type) {
    case 'host-connecting':
      row.show('connecting');
      break;
    case 'host-connected':
      row.show('reading');
      break;
    case 'host-probed':
      row.finish(`read ${count(event.resources, 'resource')} (${formatDuration(event.ms)})`);
      break;
    case 'host-failed':
      row.fail(describeFailure(event.failure));
      row.finish();
      break;
    case 'gate-waiting':
      row.show(`waiting for cluster ${escapeForTerminal(event.cluster)}: ${escapeForTerminal(event.why)}`);
      break;
    case 'gate-passed':
      row.show(`cluster ${escapeForTerminal(event.cluster)} is healthy`);
      break;
    case 'resource-started':
      row.show(escapeForTerminal(event.resource));
      break;
    case 'resource-finished':
      row.tally(event.result.outcome);
      if (event.result.outcome === 'failed' || event.result.outcome === 'unreachable')
        row.fail(describeResult(event.result));
  }
}
