// `when` and `each`: the two places where a state holds an expression without braces.
import { type Attempt, fail, succeed } from '../failure.ts';
import type { Document } from '../load/document.ts';
import type { Path, Value } from '../value.ts';
import { locateInLeaf } from './leaf.ts';
import { parseCondition, type Syntax } from './parse.ts';
import type { Condition, Grammar } from './template.ts';

/** `LIST as NAME`. */
export interface Each {
  list: Condition;
  name: string;
}

export function readCondition(
  document: Document,
  path: Path,
  value: Value,
  grammar: Grammar,
  syntax: Syntax,
): Attempt<Condition> {
  const text = String(value);
  return parseCondition(text, locateInLeaf(document, path, text), grammar, syntax);
}

/** Names that an item may not hide. `cluster` may be: `pillar.etcd_clusters as cluster` is what one would write. */
const TAKEN = new Set(['pillar', 'host', 'with', 'facts', 'this', 'as', 'true', 'false', 'null', 'undefined']);

export function readEach(
  document: Document,
  path: Path,
  text: string,
  { names, syntax }: { names: ReadonlySet<string>; syntax: Syntax },
): Attempt<Each> {
  const place = document.place(path);
  const next = 'write for example: pillar.etcd_clusters as cluster';
  const parts = /^(.*\S)\s+as\s+(\S+)\s*$/s.exec(text);
  if (parts === null) {
    return fail({ reason: 'syntax', message: `each must be LIST as NAME, not ${JSON.stringify(text)}`, place, next });
  }
  const [, list, name] = parts as unknown as [string, string, string];
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    const message = `${JSON.stringify(name)} is not a name for an item: expected letters, digits and _`;
    return fail({ reason: 'syntax', message, place, next });
  }
  if (TAKEN.has(name) || syntax.helpers.has(name)) {
    return fail({
      reason: 'duplicate',
      message: `the name ${name} already means something else`,
      place,
      next: 'choose another name',
    });
  }
  const factless = 'how many resources there are is settled before the hosts are asked';
  const expression = parseCondition(list, locateInLeaf(document, path, text), { names, factless }, syntax);
  return expression.ok ? succeed({ list: expression.value, name }) : expression;
}
