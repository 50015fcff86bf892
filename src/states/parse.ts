// From the text of a template or expression to its tree; whatever could render as something unmeant is refused here.
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import { findNearest, suggest } from '../load/nearest.ts';
import type { AnyHelper } from './functions.ts';
import {
  type BlockNode,
  type CallNode,
  type ExpressionNode,
  explainParseError,
  type Parser,
  type PathNode,
  type Position,
  type ProgramNode,
  type StatementNode,
} from './handlebars.ts';
import type { Condition, Expression, Grammar, Piece, Template } from './template.ts';

/** What turns texts into trees: Handlebars' grammar, and the helpers that may be called. */
export interface Syntax {
  parse: Parser;
  helpers: ReadonlyMap<string, AnyHelper>;
}

/** From a position in the text to its place in the file. */
export type Locate = (position: Position) => Place;

const BLOCKS = ['if', 'unless', 'each', 'with'];
const LOOP_DATA = ['@index', '@key', '@first', '@last'];
const START: Position = { line: 1, column: 0 };

export function parseTemplate(text: string, locate: Locate, grammar: Grammar, syntax: Syntax): Attempt<Template> {
  let program: ProgramNode;
  try {
    program = syntax.parse(text);
  } catch (error) {
    const { message, at } = explainParseError(error, text);
    const next = 'write {{ pillar.key }}, or \\{{ for two braces that are meant as such';
    return fail({ reason: 'syntax', message: `not a template: ${message}`, place: locate(at ?? START), next });
  }
  const reader = createReader(locate, grammar, syntax);
  const pieces = reader.readProgram(program, { names: grammar.names, inside: false });
  if (reader.failures.length > 0) return fail(...reader.failures);
  return succeed({ pieces, place: locate(START), namesFacts: reader.namesFacts() });
}

/** Reads `eq pillar.a "b"`, `and (…) (…)` or a path: Handlebars' sub-expressions without the outer parentheses. */
export function parseCondition(text: string, locate: Locate, grammar: Grammar, syntax: Syntax): Attempt<Condition> {
  const opening = '{{x ';
  const shift: Locate = ({ line, column }) =>
    locate({ line, column: line === 1 ? Math.max(column - opening.length, 0) : column });
  const next = 'write for example: eq pillar.a "b", and (eq …) (not …), or a path such as pillar.flag';
  if (text.includes('{{')) {
    const message = `${JSON.stringify(text)} is an expression and is written without braces`;
    return fail({ reason: 'syntax', message, place: locate(START), next });
  }
  let body: StatementNode[];
  try {
    body = syntax.parse(`${opening}${text}}}`).body;
  } catch (error) {
    const { message, at } = explainParseError(error, `${opening}${text}}}`);
    const place = at === undefined ? locate(START) : shift(at);
    return fail({ reason: 'syntax', message: `not an expression: ${message}`, place, next });
  }
  const [statement] = body;
  if (body.length !== 1 || statement?.type !== 'MustacheStatement' || statement.params.length === 0) {
    return fail({
      reason: 'syntax',
      message: `${JSON.stringify(text)} is not an expression`,
      place: locate(START),
      next,
    });
  }
  const reader = createReader(shift, grammar, syntax);
  const [path, ...params] = statement.params;
  const node: CallNode = { ...statement, type: 'SubExpression', path: path!, params, loc: path!.loc };
  const scope = { names: grammar.names, inside: false };
  const expression =
    params.length === 0 && statement.hash === undefined
      ? reader.readExpression(path!, scope)
      : reader.readCall(node, scope);
  if (reader.failures.length > 0) return fail(...reader.failures);
  return succeed({ expression, text, place: locate(START), namesFacts: reader.namesFacts() });
}

interface Visible {
  names: ReadonlySet<string>;
  /** Within a block that gives `this`. */
  inside: boolean;
}

function createReader(locate: Locate, grammar: Grammar, { helpers }: Syntax) {
  const failures: Failure[] = [];
  let facts = false;
  return { failures, namesFacts: () => facts, readProgram, readExpression, readCall };

  function refuse(reason: Failure['reason'], node: { loc: { start: Position } }, message: string, next?: string): void {
    failures.push({ reason, message, place: locate(node.loc.start), ...(next !== undefined && { next }) });
  }

  function readProgram(program: ProgramNode | undefined, visible: Visible): Piece[] {
    return (program?.body ?? []).flatMap((node) => readStatement(node, visible));
  }

  function readStatement(node: StatementNode, visible: Visible): Piece[] {
    switch (node.type) {
      case 'ContentStatement':
        return node.value === '' ? [] : [{ kind: 'text', text: node.value }];
      case 'CommentStatement':
        return [];
      case 'MustacheStatement':
        return [{ kind: 'value', expression: readMustache(node, visible) }];
      case 'BlockStatement':
        return readBlock(node, visible);
      default:
        refuse('syntax', node, 'partials and decorators are not available in templates', 'write the text out here');
        return [];
    }
  }

  function readMustache(node: CallNode, visible: Visible): Expression {
    const expression = readOutermost(node, visible);
    if (grammar.formats === undefined || failures.length > 0) return expression;
    if (expression.kind === 'call' && grammar.formats.has(expression.helper)) return expression;
    const formats = [...grammar.formats];
    const written = node.path.type === 'PathExpression' ? `{{${node.path.original}}}` : 'this expression';
    refuse(
      'template',
      node.path,
      `${written} stands unformatted in a text where a value could change the structure`,
      `write {{${formats.at(-1)} …}}; known formats here are: ${formats.join(', ')}`,
    );
    return expression;
  }

  function readOutermost(node: CallNode, visible: Visible): Expression {
    if (node.params.length === 0 && node.hash === undefined && !isHelperName(node.path, visible)) {
      return readExpression(node.path, visible);
    }
    return readCall(node, visible, true);
  }

  function isHelperName(node: ExpressionNode, visible: Visible): boolean {
    return node.type === 'PathExpression' && helpers.has(node.original) && !visible.names.has(node.original);
  }

  function readBlock(node: BlockNode, visible: Visible): Piece[] {
    const name = node.path.type === 'PathExpression' ? node.path.original : '';
    if (!BLOCKS.includes(name)) {
      refuse('unknown', node.path, `unknown block {{#${name}}}`, suggest(name, BLOCKS));
      return [];
    }
    if (node.params.length !== 1 || node.hash !== undefined) {
      refuse(
        'syntax',
        node,
        `{{#${name}}} takes exactly one value`,
        `write {{#${name} pillar.key}} or {{#${name} (eq …)}}`,
      );
      return [];
    }
    const value = readExpression(node.params[0]!, visible);
    const otherwise = readProgram(node.inverse, visible);
    if (name === 'if') return [{ kind: 'if', test: value, body: readProgram(node.program, visible), otherwise }];
    if (name === 'unless') {
      return [{ kind: 'if', test: value, body: otherwise, otherwise: readProgram(node.program, visible) }];
    }
    const [item, index] = node.program?.blockParams ?? [];
    const data = name === 'each' ? LOOP_DATA : [];
    const names = new Set([...visible.names, ...data, ...(item ? [item] : []), ...(index ? [index] : [])]);
    for (const given of [item, index]) {
      if (given === undefined || !(grammar.names.has(given) || helpers.has(given) || given === 'facts')) continue;
      refuse('duplicate', node, `the name ${given} already means something else here`, 'choose another name');
    }
    const body = readProgram(node.program, { names, inside: true });
    if (name === 'with') return [{ kind: 'with', value, ...(item && { item }), body, otherwise }];
    return [{ kind: 'each', list: value, ...(item && { item }), ...(index && { index }), body, otherwise }];
  }

  function readExpression(node: ExpressionNode, visible: Visible): Expression {
    const place = locate(node.loc.start);
    switch (node.type) {
      case 'StringLiteral':
      case 'NumberLiteral':
      case 'BooleanLiteral':
        return { kind: 'literal', value: node.value, place };
      case 'NullLiteral':
        return { kind: 'literal', value: null, place };
      case 'UndefinedLiteral':
        refuse('syntax', node, 'undefined is not a value', 'use (defined PATH) to ask whether something is set');
        return { kind: 'literal', value: null, place };
      case 'PathExpression':
        return isHelperName(node, visible)
          ? readCall({ type: 'SubExpression', path: node, params: [], loc: node.loc }, visible)
          : readPath(node, visible);
      default:
        return readCall(node, visible);
    }
  }

  function readPath(node: PathNode, visible: Visible): Expression {
    const place = locate(node.loc.start);
    const own = /^(\.|this\b)/.test(node.original) && node.depth === 0;
    const [first = '', ...rest] = node.parts;
    const name = own ? 'this' : node.data ? `@${first}` : first;
    const keys = own ? node.parts : rest;
    if (node.depth > 0) {
      refuse(
        'syntax',
        node,
        `${node.original} reaches out of its block`,
        'leave ../ away: pillar, host and all other names are visible everywhere',
      );
    } else if (own && !visible.inside) {
      refuse('unknown', node, 'this means nothing outside of {{#each}} and {{#with}}', suggest(name, visible.names));
    } else if (name === 'facts') {
      facts = true;
      if (grammar.factless !== undefined) {
        refuse(
          'unknown',
          node,
          `${node.original} cannot be used here: ${grammar.factless}`,
          'use pillar, host or cluster',
        );
      }
    } else if (!own && !visible.names.has(name)) {
      refuseName(node, name, visible);
    }
    return { kind: 'path', name, keys, place };
  }

  function refuseName(node: PathNode, name: string, visible: Visible): void {
    const known = [...visible.names, ...(grammar.factless === undefined ? ['facts'] : [])];
    const nearest = findNearest(name, known);
    const item =
      visible.inside && nearest === undefined
        ? `in a block, write this.${node.original} for a key of the item`
        : suggest(name, known);
    refuse('unknown', node, `unknown name ${name} in ${node.original}`, item);
  }

  function readCall(node: CallNode, visible: Visible, outermost = false): Expression {
    const place = locate(node.path.loc.start);
    const name = node.path.type === 'PathExpression' ? node.path.original : '';
    if (node.params.length === 0 && node.hash === undefined && !isHelperName(node.path, visible)) {
      return readExpression(node.path, visible);
    }
    const helper = helpers.get(name);
    const args = node.params.map((each) => readExpression(each, visible));
    if (node.hash !== undefined)
      refuse('syntax', node.hash, 'KEY=VALUE is not available here', 'write the values one after the other');
    if (helper === undefined) {
      refuse(
        'unknown',
        node.path,
        name === '' ? 'a helper must be named here' : `unknown helper ${name}`,
        suggest(name, helpers.keys()),
      );
      return { kind: 'call', helper: name, args, place };
    }
    const [least, most] = helper.takes;
    if (args.length < least || args.length > most) {
      refuse(
        'syntax',
        node.path,
        `${name} is called with ${args.length} ${args.length === 1 ? 'value' : 'values'}`,
        `write ${helper.usage}`,
      );
    } else if ('format' in helper && !outermost) {
      refuse(
        'syntax',
        node.path,
        `${name} gives text for the file itself and cannot be a value for another helper`,
        `write {{${helper.usage}}}`,
      );
    } else if ('lazy' in helper && ['default', 'defined', 'needed'].includes(helper.lazy) && args[0]?.kind !== 'path') {
      refuse(
        'syntax',
        node.path,
        `${name} asks whether a path is set, but its first value is none`,
        `write ${helper.usage}`,
      );
    }
    return { kind: 'call', helper: name, args, place };
  }
}
