// Data whose strings may be templates: read once, rendered for every host.
import { type Attempt, fail, succeed } from '../failure.ts';
import type { Document } from '../load/document.ts';
import { isSensitive, Sensitive } from '../sensitive.ts';
import type { Path, Value } from '../value.ts';
import {
  evaluateItems,
  evaluateSome,
  holdsSecret,
  renderRaw,
  renderTemplate,
  revealAll,
  type Scope,
} from './evaluate.ts';
import { gather } from './gather.ts';
import { locateInLeaf } from './leaf.ts';
import { parseTemplate, type Syntax } from './parse.ts';
import type { Expression, Grammar, Template } from './template.ts';

export type Tree =
  /** No template in it. */
  | { kind: 'fixed'; value: Value }
  | { kind: 'leaf'; template: Template }
  /** An item of a list that gives several, or none: `"{{ splice LIST }}"`. */
  | { kind: 'splice'; list: Expression; namesFacts: boolean }
  /** The value of a key that is left out where it is empty: `KEY: "{{ some A }}"`. */
  | { kind: 'some'; value: Expression; namesFacts: boolean }
  | { kind: 'list'; items: Tree[] }
  | { kind: 'map'; entries: [key: string, tree: Tree][] };

/** Reads the data at `path`. Keys are structure: a template in one is refused. */
export function readTree(
  document: Document,
  path: Path,
  value: Value,
  grammar: Grammar,
  syntax: Syntax,
): Attempt<Tree> {
  if (typeof value === 'string') {
    if (!value.includes('{{')) return succeed({ kind: 'fixed', value });
    const template = parseTemplate(value, locateInLeaf(document, path, value), grammar, syntax);
    return template.ok ? succeed({ kind: 'leaf', template: template.value }) : template;
  }
  if (Array.isArray(value)) {
    const read = gather(value.map((item, index) => readTree(document, [...path, index], item, grammar, syntax)));
    if (!read.ok) return read;
    const items = read.value.map((item): Tree => {
      const placed = takePlaced(item, 'splice');
      return placed ? { kind: 'splice', list: placed.argument, namesFacts: placed.namesFacts } : item;
    });
    return succeed(items.every(isFixed) ? { kind: 'fixed', value } : { kind: 'list', items });
  }
  if (typeof value !== 'object' || value === null || isSensitive(value)) return succeed({ kind: 'fixed', value });
  const entries = gather(
    Object.entries(value).map(([key, item]): Attempt<[string, Tree]> => {
      if (key.includes('{{')) {
        const message = `the key ${JSON.stringify(key)} is a template, but templates may stand in values only`;
        return fail({
          reason: 'template',
          message,
          place: document.place([...path, key], 'key'),
          next: 'write the key out',
        });
      }
      const tree = readTree(document, [...path, key], item, grammar, syntax);
      if (!tree.ok) return tree;
      const placed = takePlaced(tree.value, 'some');
      return succeed([
        key,
        placed ? { kind: 'some', value: placed.argument, namesFacts: placed.namesFacts } : tree.value,
      ]);
    }),
  );
  if (!entries.ok) return entries;
  const fixed = entries.value.every(([, tree]) => isFixed(tree));
  return succeed(fixed ? { kind: 'fixed', value } : { kind: 'map', entries: entries.value });
}

/** A leaf that is nothing but a call of `name`: what it is called with. */
function takePlaced(tree: Tree, name: string): { argument: Expression; namesFacts: boolean } | undefined {
  if (tree.kind !== 'leaf') return undefined;
  const { pieces, namesFacts } = tree.template;
  const [only] = pieces;
  if (pieces.length !== 1 || only?.kind !== 'value' || only.expression.kind !== 'call') return undefined;
  const { helper, args } = only.expression;
  return helper === name ? { argument: args[0]!, namesFacts } : undefined;
}

export function isFixed(tree: Tree): tree is Tree & { kind: 'fixed' } {
  return tree.kind === 'fixed';
}

/** It cannot be rendered before the host has said what it is. */
export function treeNamesFacts(tree: Tree): boolean {
  switch (tree.kind) {
    case 'fixed':
      return false;
    case 'leaf':
      return tree.template.namesFacts;
    case 'splice':
    case 'some':
      return tree.namesFacts;
    case 'list':
      return tree.items.some(treeNamesFacts);
    case 'map':
      return tree.entries.some(([, item]) => treeNamesFacts(item));
  }
}

/**
 * The data of one host. `secrets`: a leaf that renders to a map or list with a secret in it becomes one secret
 * (`whole`), or keeps the secret where it is (`inside`), for data that is only passed on.
 */
export function renderTree(tree: Tree, scope: Scope, secrets: 'whole' | 'inside' = 'whole'): Attempt<Value> {
  const rendered = renderPart(tree, scope, secrets);
  if (rendered.ok && rendered.value === undefined) throw new Error('a value for a key stands where there is none');
  return rendered as Attempt<Value>;
}

/** Undefined: the key is left out. */
function renderPart(tree: Tree, scope: Scope, secrets: 'whole' | 'inside'): Attempt<Value | undefined> {
  switch (tree.kind) {
    case 'fixed':
      return succeed(tree.value);
    case 'leaf':
      return secrets === 'whole' ? renderTemplate(tree.template, scope) : renderRaw(tree.template, scope);
    case 'splice':
      return evaluateItems(tree.list, scope);
    case 'some': {
      const value = evaluateSome(tree.value, scope);
      const seal = secrets === 'whole' && value.ok && value.value !== undefined && holdsSecret(value.value);
      return seal ? succeed(new Sensitive(revealAll(value.value!))) : value;
    }
    case 'list': {
      const items = gather(tree.items.map((item) => renderTree(item, scope, secrets)));
      if (!items.ok) return items;
      return succeed(
        tree.items.flatMap((item, index) =>
          item.kind === 'splice' ? (items.value[index] as Value[]) : [items.value[index]!],
        ),
      );
    }
    case 'map': {
      const entries = gather(
        tree.entries.map(([key, item]): Attempt<[string, Value | undefined]> => {
          const value = renderPart(item, scope, secrets);
          return value.ok ? succeed([key, value.value]) : value;
        }),
      );
      if (!entries.ok) return entries;
      const given = entries.value.filter((entry): entry is [string, Value] => entry[1] !== undefined);
      return succeed(Object.fromEntries(given));
    }
  }
}
