// What a template or expression comes to on one host: typed, tainted by every secret it touches, never silently empty.
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { suggest } from '../load/nearest.ts';
import { isSensitive, Sensitive } from '../sensitive.ts';
import type { Value } from '../value.ts';
import type { AnyHelper, LazyHelper, PlaceHelper } from './functions.ts';
import { gather } from './gather.ts';
import {
  type CallExpression,
  type Condition,
  type Expression,
  formatKeys,
  type PathExpression,
  type Piece,
  type Template,
} from './template.ts';
import { isTrue, nameType } from './value-kinds.ts';

/** What names stand for, on one host. */
export interface Scope {
  host: string;
  names: ReadonlyMap<string, Value>;
  helpers: ReadonlyMap<string, AnyHelper>;
}

/** A value as it was found (secrets inside are still wrapped), and whether it was computed from a secret. */
interface Datum {
  value: Value;
  secret: boolean;
}

/** A leaf's value: of any type where the template is one expression, else a string. Sensitive if a secret took part. */
export function renderTemplate(template: Template, scope: Scope): Attempt<Value> {
  const value = renderRaw(template, scope);
  if (!value.ok || isSensitive(value.value) || !holdsSecret(value.value)) return value;
  return succeed(new Sensitive(revealAll(value.value)));
}

/** As {@link renderTemplate}, but a map or list keeps its secrets inside: for data that is only passed on. */
export function renderRaw(template: Template, scope: Scope): Attempt<Value> {
  const [only, ...others] = template.pieces;
  const whole = only?.kind === 'value' && others.length === 0 && !isFormat(only.expression, scope);
  return whole ? evaluateRaw(only.expression, scope) : renderText(template, scope);
}

/** As {@link renderTemplate}, but always text. */
export function renderText(template: Template, scope: Scope): Attempt<string | Sensitive<string>> {
  const output: Output = { text: '', secret: false };
  const failures = renderPieces(template.pieces, scope, output);
  if (failures.length > 0) return fail(...failures);
  return succeed(output.secret ? new Sensitive(output.text) : output.text);
}

/** The expression's value, secrets inside still wrapped: for lists to go through and data to be passed on. */
export function evaluateRaw(expression: Expression, scope: Scope): Attempt<Value> {
  const datum = evaluate(expression, scope);
  if (!datum.ok) return datum;
  const { value, secret } = datum.value;
  return succeed(secret && !isSensitive(value) ? new Sensitive(value) : value);
}

/** The items of a list that stands for several; each is a secret if the list is. */
export function evaluateItems(expression: Expression, scope: Scope): Attempt<Value[]> {
  const list = evaluateRaw(expression, scope);
  if (!list.ok) return list;
  const items = isSensitive(list.value) ? (list.value.reveal() as Value) : list.value;
  if (!Array.isArray(items)) {
    return fail(refuse(expression, scope, `splice wants a list, but ${describe(expression)} is ${nameType(items)}`));
  }
  return succeed(
    isSensitive(list.value) ? items.map((item) => (isSensitive(item) ? item : new Sensitive(item))) : items,
  );
}

/** A value for a key, or undefined where it is an empty list or map: then the key is left out. A secret list or map stays. */
export function evaluateSome(expression: Expression, scope: Scope): Attempt<Value | undefined> {
  const value = evaluateRaw(expression, scope);
  if (!value.ok || isSensitive(value.value)) return value;
  return isEmpty(value.value) ? succeed(undefined) : value;
}

export function isMet(condition: Condition, scope: Scope): Attempt<boolean> {
  const datum = evaluate(condition.expression, scope);
  return datum.ok ? succeed(isTrue(revealAll(datum.value.value))) : datum;
}

export function extendScope(scope: Scope, names: Iterable<[string, Value]>): Scope {
  return { ...scope, names: new Map([...scope.names, ...names]) };
}

export function holdsSecret(value: Value): boolean {
  if (isSensitive(value)) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret);
}

/** The data without its wrappers: for computing on it, never for showing it. */
export function revealAll(value: Value): Value {
  if (isSensitive(value)) return revealAll(value.reveal() as Value);
  if (Array.isArray(value)) return value.map(revealAll);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealAll(each)]));
}

interface Output {
  text: string;
  secret: boolean;
}

function renderPieces(pieces: readonly Piece[], scope: Scope, output: Output): Failure[] {
  return pieces.flatMap((piece) => renderPiece(piece, scope, output));
}

function renderPiece(piece: Piece, scope: Scope, output: Output): Failure[] {
  if (piece.kind === 'text') {
    output.text += piece.text;
    return [];
  }
  if (piece.kind === 'value') {
    const text = toText(piece.expression, scope, output);
    if (!text.ok) return text.failures;
    output.text += text.value;
    return [];
  }
  const subject = piece.kind === 'if' ? piece.test : piece.kind === 'each' ? piece.list : piece.value;
  const datum = evaluate(subject, scope);
  if (!datum.ok) return datum.failures;
  const { value } = datum.value;
  // The items of a list keep their own secrets; a list or a test that is one itself taints all that depends on it.
  const whole = piece.kind === 'if' ? holdsSecret(value) : isSensitive(value);
  output.secret ||= datum.value.secret || whole;
  const data = isSensitive(value) ? (value.reveal() as Value) : value;
  if (piece.kind === 'if') return renderPieces(isTrue(data) ? piece.body : piece.otherwise, scope, output);
  const empty = piece.kind === 'each' ? data === null || isEmpty(data) : !isTrue(data);
  if (empty) return renderPieces(piece.otherwise, scope, output);
  if (piece.kind === 'with') {
    const names: [string, Value][] = [['this', data], ...(piece.item ? [[piece.item, data] as [string, Value]] : [])];
    return renderPieces(piece.body, extendScope(scope, names), output);
  }
  if (typeof data !== 'object') {
    return [refuse(subject, scope, `{{#each}} wants a list or a map, but ${describe(subject)} is ${nameType(data)}`)];
  }
  const entries: [string | number, Value][] = Array.isArray(data)
    ? [...data.entries()]
    : Object.entries(data as object);
  return entries.flatMap(([key, item], index) => {
    const names: [string, Value][] = [
      ['this', item],
      ['@index', index],
      ['@key', key],
      ['@first', index === 0],
      ['@last', index === entries.length - 1],
    ];
    if (piece.item !== undefined) names.push([piece.item, item]);
    if (piece.index !== undefined) names.push([piece.index, key]);
    return renderPieces(piece.body, extendScope(scope, names), output);
  });
}

/** The text of a value that stands in a longer one. */
function toText(expression: Expression, scope: Scope, output: Output): Attempt<string> {
  const helper = expression.kind === 'call' ? scope.helpers.get(expression.helper) : undefined;
  const format = helper !== undefined && 'format' in helper ? helper.format : undefined;
  const inner = format !== undefined && expression.kind === 'call' ? expression.args[0]! : expression;
  const datum = evaluate(inner, scope);
  if (!datum.ok) return datum;
  const value = isSensitive(datum.value.value) ? revealAll(datum.value.value) : datum.value.value;
  output.secret ||= datum.value.secret || isSensitive(datum.value.value);
  if (value === null) {
    return fail(refuse(inner, scope, `${describe(inner)} is null, which has no text`, 'set it, or use (default …)'));
  }
  if (typeof value === 'object') {
    const next = 'let the expression stand alone to keep its type, or use join, json or {{#each}}';
    return fail(
      refuse(inner, scope, `${describe(inner)} is ${nameType(value)} and cannot stand inside a string`, next),
    );
  }
  if (format === undefined || expression.kind !== 'call') return succeed(String(value));
  const formatted = format(String(value), output.text);
  if ('text' in formatted) return succeed(formatted.text);
  const shown = output.secret ? '' : ` (${cut(JSON.stringify(value))})`;
  const next = formatted.next ?? 'correct the value: `quorate pillar show HOST --explain` says where it is set';
  return fail(refuse(expression, scope, `${expression.helper} of ${describe(inner)}${shown} ${formatted.wrong}`, next));
}

function evaluate(expression: Expression, scope: Scope): Attempt<Datum> {
  if (expression.kind === 'literal') return succeed({ value: expression.value, secret: false });
  if (expression.kind === 'path') {
    const found = findPath(expression, scope);
    return found.value === undefined
      ? fail(explainAbsence(expression, scope, found))
      : succeed({ value: found.value, secret: false });
  }
  const helper = scope.helpers.get(expression.helper)!;
  if ('lazy' in helper) return evaluateLazily(helper.lazy, expression, scope);
  if ('place' in helper) return fail(refuse(expression, scope, ...explainMisplaced(helper)));
  if ('format' in helper) throw new Error(`${expression.helper} was not refused by the parser`);
  const args = gather(expression.args.map((each) => evaluate(each, scope)));
  if (!args.ok) return args;
  const result = helper.call(args.value.map((each) => revealAll(each.value)));
  const secret = args.value.some((each) => each.secret || holdsSecret(each.value));
  if ('value' in result) return succeed({ value: result.value, secret });
  return fail(
    refuse(expression, scope, `${expression.helper} ${result.wrong}`, result.next ?? `write ${helper.usage}`),
  );
}

function explainMisplaced({ place, usage }: PlaceHelper): [message: string, next: string] {
  const name = usage.split(' ')[0];
  return place === 'items'
    ? [
        `${name} gives items to the list around it, and here is none`,
        `write - "{{ ${usage} }}", with nothing else in the item`,
      ]
    : [
        `${name} gives its value to a key of a document, and here is none`,
        `write KEY: "{{ ${usage} }}", with nothing else in the value`,
      ];
}

function evaluateLazily(rule: LazyHelper['lazy'], call: CallExpression, scope: Scope): Attempt<Datum> {
  const { args } = call;
  if (rule === 'and' || rule === 'or') {
    let secret = false;
    for (const each of args) {
      const datum = evaluate(each, scope);
      if (!datum.ok) return datum;
      secret ||= datum.value.secret || holdsSecret(datum.value.value);
      if (isTrue(revealAll(datum.value.value)) === (rule === 'or')) return succeed({ value: rule === 'or', secret });
    }
    return succeed({ value: rule === 'and', secret });
  }
  if (rule === 'choose') return evaluateChosen(args, scope);
  const { value } = findPath(args[0] as PathExpression, scope);
  const isSet = value !== undefined && value !== null;
  if (rule === 'defined') return succeed({ value: isSet, secret: false });
  if (isSet) return succeed({ value, secret: false });
  const other = evaluate(args[1]!, scope);
  if (rule === 'default' || !other.ok) return other;
  // The failure's host says for whom: without it in the text, what all hosts lack is told once.
  const why = `${describe(args[0]!)} is not set, but ${revealAll(other.value.value)}`;
  return fail(refuse(call, scope, why, 'set it in the pillar: defaults.yaml, clusters/, groups/ or hosts/'));
}

function evaluateChosen([test, yes, no]: Expression[], scope: Scope): Attempt<Datum> {
  const decided = evaluate(test!, scope);
  if (!decided.ok) return decided;
  const chosen = evaluate(isTrue(revealAll(decided.value.value)) ? yes! : no!, scope);
  const secret = decided.value.secret || holdsSecret(decided.value.value);
  return chosen.ok ? succeed({ ...chosen.value, secret: chosen.value.secret || secret }) : chosen;
}

interface Finding {
  value: Value | undefined;
  /** How many keys of the path were there, and what the next one was looked for in. */
  depth: number;
  within: Value | undefined;
  /** A secret was on the way. */
  secret: boolean;
}

/** Own properties only: `constructor` and `__proto__` are names like any other, and nobody has set them. */
function findPath({ name, keys }: PathExpression, scope: Scope): Finding {
  let value = scope.names.get(name);
  let secret = false;
  for (const [depth, key] of keys.entries()) {
    if (isSensitive(value)) {
      secret = true;
      value = value.reveal() as Value;
    }
    const within = value;
    value = undefined;
    if (Array.isArray(within)) value = /^\d+$/.test(key) ? within[Number(key)] : undefined;
    else if (typeof within === 'object' && within !== null && Object.hasOwn(within, key)) {
      value = (within as { [key: string]: Value })[key];
    }
    if (value === undefined) return { value, depth, within, secret };
  }
  return {
    value: secret && value !== undefined && !isSensitive(value) ? new Sensitive(value) : value,
    depth: keys.length,
    within: undefined,
    secret,
  };
}

function explainAbsence(path: PathExpression, scope: Scope, { depth, within, secret }: Finding): Failure {
  const whole = formatKeys(path.name, path.keys);
  if (!scope.names.has(path.name)) {
    const next = path.name === 'cluster' ? 'a cluster is a group with etcd_cluster' : undefined;
    const why = path.name === 'cluster' ? `: ${scope.host} is in no cluster` : '';
    return refuse(path, scope, `${whole} is not defined${why}`, next);
  }
  const parent = formatKeys(path.name, path.keys.slice(0, depth));
  const missing = formatKeys(parent, [path.keys[depth]!]);
  const inside = missing === whole ? '' : ` (${missing} is not set)`;
  if (Array.isArray(within)) return refuse(path, scope, `${whole} is not set: ${parent} is a list of ${within.length}`);
  if (typeof within !== 'object' || within === null) {
    return refuse(path, scope, `${whole} is not set: ${parent} is ${nameType(within ?? null)}`);
  }
  if (path.name === 'with' && depth === 0) {
    return refuse(
      path,
      scope,
      `${whole} is not set`,
      `give it where the state is included: with: { ${path.keys[0]}: … }`,
    );
  }
  if (secret) return refuse(path, scope, `${whole} is not set for ${scope.host}: ${parent} is a secret without it`);
  const known = Object.keys(within).map((key) => formatKeys(parent, [key]));
  return refuse(path, scope, `${whole} is not set for ${scope.host}${inside}`, suggest(missing, known));
}

function refuse(expression: Expression, scope: Scope, message: string, next?: string): Failure {
  return {
    reason: 'template',
    message,
    place: expression.place,
    host: scope.host,
    ...(next !== undefined && { next }),
  };
}

function describe(expression: Expression): string {
  if (expression.kind === 'path') return formatKeys(expression.name, expression.keys);
  if (expression.kind === 'call') return `(${expression.helper} …)`;
  return JSON.stringify(expression.value);
}

function isFormat(expression: Expression, scope: Scope): boolean {
  return expression.kind === 'call' && 'format' in scope.helpers.get(expression.helper)!;
}

function isEmpty(value: Value): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
