// What is blocked, told once for each cause: one refusal may hold up everything behind it, and must not be buried under that.
import type { Failure } from '../failure.ts';
import { escapeForTerminal } from './escape.ts';
import { renderWhy } from './failures.ts';
import type { Block } from './layout.ts';

export interface BlockedResource {
  host: string;
  resource: string;
  why?: Failure;
}

/** With `verbose` each resource by name, else the first that waits for something and how many more do. */
export function blockedBlocks(
  blocked: readonly BlockedResource[],
  { color = false, verbose = false }: { color?: boolean; verbose?: boolean },
): Block[] {
  const folded = new Map<string, { first: BlockedResource; why: string; more: number }>();
  for (const each of blocked) {
    const why = each.why ? `\n${renderWhy(each.why, { color })}` : '';
    const key = JSON.stringify(verbose ? [each.host, each.resource] : [each.host, why]);
    const before = folded.get(key);
    if (before) before.more += 1;
    else folded.set(key, { first: each, why, more: 0 });
  }
  return [...folded.values()].map(({ first: { host, resource }, why, more }) => ({
    host,
    subject: `${resource} ${more}`,
    text: `${escapeForTerminal(resource)}${more > 0 ? ` and ${more} more (-v names them)` : ''}${why}`,
  }));
}
