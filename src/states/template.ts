// Templates and expressions as Quorate evaluates them: a small tree in which every part knows where it was written.
import type { Place } from '../failure.ts';
import type { Scalar } from '../value.ts';

export type Expression = { kind: 'literal'; value: Scalar; place: Place } | PathExpression | CallExpression;

export interface CallExpression {
  kind: 'call';
  helper: string;
  args: Expression[];
  place: Place;
}

export interface PathExpression {
  kind: 'path';
  /** `pillar`, `host`, `this`, `@index`, … */
  name: string;
  keys: string[];
  place: Place;
}

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'value'; expression: Expression }
  | { kind: 'if'; test: Expression; body: Piece[]; otherwise: Piece[] }
  | { kind: 'each'; list: Expression; item?: string; index?: string; body: Piece[]; otherwise: Piece[] }
  | { kind: 'with'; value: Expression; item?: string; body: Piece[]; otherwise: Piece[] };

export interface Template {
  pieces: Piece[];
  place: Place;
  /** It cannot be rendered before the host has said what it is. */
  namesFacts: boolean;
}

/** An expression that stands alone, such as a `when`. */
export interface Condition {
  expression: Expression;
  text: string;
  place: Place;
  namesFacts: boolean;
}

/** What may be named at the place of a template or expression. */
export interface Grammar {
  names: ReadonlySet<string>;
  /** Why `facts` may not be named here, where it may not. */
  factless?: string;
  /** Every expression must be a call of one of these format helpers, because the text has a structure of its own. */
  formats?: ReadonlySet<string>;
}

/** `pillar.etcd.members.0` */
export function formatKeys(name: string, keys: readonly string[]): string {
  return [name, ...keys.map((key) => (/^[A-Za-z_][\w-]*$/.test(key) ? key : `[${key}]`))].join('.');
}
