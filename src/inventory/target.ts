// Which hosts a run may touch: Ansible's host patterns.
// https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { findNearest } from '../load/nearest.ts';
import type { Inventory } from './inventory.ts';

type Operator = 'union' | 'intersection' | 'exclusion';

interface Term {
  /** As written, with its `!` or `&`. */
  text: string;
  operator: Operator;
  pattern: string;
}

/**
 * The names of the hosts that `expression` selects, in inventory order: names of hosts and groups, globs, `all`,
 * lists by `,` or `:`, `!exclusion`, `&intersection`. As in Ansible the order of the parts does not matter: first all
 * names, then intersections, then exclusions; without a name, `all` is meant.
 * Fails on a part that matches nothing, and where nothing is left.
 */
export function selectHosts(inventory: Inventory, expression: string): Attempt<string[]> {
  const terms = parseExpression(expression);
  if (terms.length === 0)
    return fail(refuse(`the target ${JSON.stringify(expression)} is empty`, 'for example -t masters'));
  const failures: Failure[] = [];
  const matches = new Map<Term, Set<string>>();
  for (const term of terms) {
    const matched = matchPattern(inventory, term.pattern);
    if (matched.ok) matches.set(term, matched.value);
    else failures.push(...matched.failures);
  }
  if (failures.length > 0) return fail(...failures);

  const unions = terms.filter((term) => term.operator === 'union');
  const selected = new Set(
    unions.length === 0 ? inventory.hosts.keys() : unions.flatMap((term) => [...matches.get(term)!]),
  );
  const narrowing = [
    ...terms.filter((term) => term.operator === 'intersection'),
    ...terms.filter((term) => term.operator === 'exclusion'),
  ];
  let last = unions.map((term) => term.text).join(',');
  for (const term of narrowing) {
    if (selected.size === 0) break;
    for (const host of [...selected]) {
      if (matches.get(term)!.has(host) === (term.operator === 'exclusion')) selected.delete(host);
    }
    last = term.text;
  }
  if (selected.size > 0) return succeed([...inventory.hosts.keys()].filter((host) => selected.has(host)));
  const why = narrowing.length === 0 ? `${last} has no hosts` : `nothing is left after ${last}`;
  return fail(
    refuse(
      `the target ${JSON.stringify(expression)} selects no host: ${why}`,
      'quorate inventory list shows all hosts and groups',
    ),
  );
}

/** Lists are split at commas if there are any, else at colons. */
function parseExpression(expression: string): Term[] {
  const parts = expression.split(expression.includes(',') ? ',' : ':').map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((text) => {
      const operator = text.startsWith('!') ? 'exclusion' : text.startsWith('&') ? 'intersection' : 'union';
      return { text, operator, pattern: operator === 'union' ? text : text.slice(1).trim() };
    });
}

function matchPattern(inventory: Inventory, pattern: string): Attempt<Set<string>> {
  const { hosts, groups } = inventory;
  const unsupported = explainUnsupported(pattern);
  if (unsupported !== undefined) return fail(unsupported);
  if (pattern === '*') return succeed(new Set(hosts.keys()));
  if (!/[*?]/.test(pattern)) {
    // A group wins over a host of the same name, as in Ansible.
    const group = groups.get(pattern);
    if (group !== undefined) return succeed(new Set(group));
    if (hosts.has(pattern)) return succeed(new Set([pattern]));
    return fail(explainUnknown(inventory, pattern));
  }
  const glob = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|\\-]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const names = [...hosts.keys()].filter((name) => glob.test(name));
  const matchedGroups = [...groups].filter(([name]) => glob.test(name));
  if (names.length === 0 && matchedGroups.length === 0) return fail(explainUnknown(inventory, pattern));
  return succeed(new Set([...names, ...matchedGroups.flatMap(([, members]) => members)]));
}

function explainUnsupported(pattern: string): Failure | undefined {
  const next = 'use names, globs (*, ?), lists (a,b), !exclusions and &intersections';
  if (pattern === '') return refuse('the target has a "!" or "&" without a name', next);
  if (pattern.startsWith('~'))
    return refuse(`the target ${pattern} is a regular expression, which is not supported`, next);
  if (pattern.startsWith('@'))
    return refuse(`the target ${pattern} names a file of hosts, which is not supported`, next);
  if (/[[\]]/.test(pattern))
    return refuse(`the target ${pattern} selects by position or letters, which is not supported`, next);
  return undefined;
}

function explainUnknown({ hosts, groups }: Inventory, pattern: string): Failure {
  const glob = /[*?]/.test(pattern);
  const nearest = glob ? undefined : findNearest(pattern, [...groups.keys(), ...hosts.keys()]);
  const shown = [...groups.keys()].filter((name) => name !== 'ungrouped').join(', ');
  return {
    reason: 'unknown',
    message: `no host or group of the inventory ${glob ? 'matches' : 'is called'} ${JSON.stringify(pattern)}`,
    next: nearest === undefined ? `groups are: ${shown}` : `did you mean ${nearest}?`,
  };
}

function refuse(message: string, next: string): Failure {
  return { reason: 'usage', message, next };
}
