// Handlebars' grammar without its runtime: Quorate reads the tree itself, so that nothing undefined renders as empty.

export interface Position {
  /** From 1. */
  line: number;
  /** From 0. */
  column: number;
}

interface Located {
  loc: { start: Position; end: Position };
}

export interface PathNode extends Located {
  type: 'PathExpression';
  /** `@index` and its like. */
  data: boolean;
  /** How many `../` it begins with. */
  depth: number;
  parts: string[];
  original: string;
}

export interface CallNode extends Located {
  type: 'SubExpression' | 'MustacheStatement';
  path: ExpressionNode;
  params: ExpressionNode[];
  hash?: Located;
}

export type ExpressionNode =
  | PathNode
  | CallNode
  | (Located & { type: 'StringLiteral' | 'NumberLiteral' | 'BooleanLiteral'; value: string | number | boolean })
  | (Located & { type: 'NullLiteral' | 'UndefinedLiteral' });

export interface BlockNode extends Located {
  type: 'BlockStatement';
  path: ExpressionNode;
  params: ExpressionNode[];
  hash?: Located;
  program?: ProgramNode;
  inverse?: ProgramNode;
}

export interface ProgramNode {
  body: StatementNode[];
  blockParams?: string[];
}

export type StatementNode =
  | (CallNode & { type: 'MustacheStatement' })
  | BlockNode
  | (Located & { type: 'ContentStatement'; value: string })
  | (Located & { type: 'CommentStatement' })
  | (Located & { type: 'PartialStatement' | 'PartialBlockStatement' | 'Decorator' | 'DecoratorBlock' });

/** Throws what {@link explainParseError} explains. */
export type Parser = (text: string) => ProgramNode;

/** The parser alone, because the whole of Handlebars takes four times as long to load. */
export async function loadParser(): Promise<Parser> {
  // @ts-expect-error: Handlebars has no types for its inner files
  const { parse } = await import('handlebars/dist/cjs/handlebars/compiler/base.js');
  return parse as Parser;
}

const TOKENS: { [token: string]: string } = {
  EOF: 'the end of the text',
  CLOSE: '}}',
  CLOSE_UNESCAPED: '}}}',
  CLOSE_SEXPR: ')',
  OPEN_SEXPR: '(',
  OPEN_ENDBLOCK: 'the end of a block',
  INVERSE: '{{else}}',
  EQUALS: '=',
  SEP: 'a dot or slash',
  OPEN_BLOCK_PARAMS: 'as |…|',
};

/** What the parser found where it did not expect it, and where if that can be told. */
export function explainParseError(error: unknown, text: string): { message: string; at?: Position } {
  if (!(error instanceof Error)) throw error;
  const { lineNumber, column } = error as { lineNumber?: number; column?: number };
  if (lineNumber !== undefined && column !== undefined) {
    const message = error.message
      .replace(/ - \d+:\d+$/, '')
      .replace(/^(\S+) doesn't match (\S+)$/, '{{#$1}} is closed by {{/$2}}');
    return { message, at: { line: lineNumber, column } };
  }
  const parts = /^Parse error on line (\d+):\n(.*)\n(-*)\^\n.*got '(\w+)'$/s.exec(error.message);
  if (parts === null) return { message: error.message.split('\n')[0] ?? 'not readable' };
  const [, line, shown, dashes, token] = parts;
  const at = findShown(text, Number(line), shown!.slice(0, dashes!.length));
  if (token === 'NUMBER' && shown!.slice(0, dashes!.length).endsWith('.')) {
    return { message: 'a position in a list is written in brackets: pillar.list.[0]', ...(at && { at }) };
  }
  if (token === 'INVALID') {
    return { message: 'this cannot be read; a quote, a parenthesis or }} may be missing', ...(at && { at }) };
  }
  return { message: `${TOKENS[token!] ?? `a ${token!.toLowerCase()}`} was not expected`, ...(at && { at }) };
}

/** The parser shows the (at most 20) characters before the fault, without line ends: where on its line they end. */
function findShown(text: string, line: number, before: string): Position | undefined {
  const found = text.split('\n')[line - 1] ?? '';
  const tail = before.replace(/^\.\.\./, '');
  const inside = found.lastIndexOf(tail);
  if (inside >= 0) return { line, column: inside + tail.length };
  for (let length = tail.length - 1; length > 0; length--) {
    if (found.startsWith(tail.slice(-length))) return { line, column: length };
  }
  return undefined;
}
