// Files beside a state: `.hbs` text whose every expression is formatted, or YAML and JSON data with templates in its strings.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { type Attempt, fail, type Place, succeed } from '../failure.ts';
import type { Source } from '../inventory/inventory.ts';
import { decodeDocument, shorten } from '../load/document.ts';
import { explainReadError } from '../load/readable.ts';
import type { ValueMap } from '../value.ts';
import { renderText, type Scope } from './evaluate.ts';
import { parseTemplate, type Syntax } from './parse.ts';
import type { Grammar, Template } from './template.ts';
import { readTree, renderTree, type Tree, treeNamesFacts } from './tree.ts';

export type TemplateFile = { source: Source } & (
  | { kind: 'text'; template: Template }
  | { kind: 'document'; format: 'yaml' | 'json'; tree: Tree }
);

export interface TemplateUse {
  /** As the state names it: relative to the state's file. */
  path: string;
  /** Where the state names it. */
  place: Place;
  stateFile: string;
  /** The directory of states that the file must be in. */
  root: string;
}

const UNIT_FILE = /\.(service|socket|timer|mount|automount|path|target|slice|scope|swap)\.hbs$/;
const ALL_FORMATS = ['plain', 'sh', 'env', 'word', 'unit'];

export async function readTemplateFile(
  use: TemplateUse,
  grammar: Grammar,
  syntax: Syntax,
): Promise<Attempt<TemplateFile>> {
  const { path, place } = use;
  const file = join(dirname(use.stateFile), path);
  const inside = relative(use.root, file);
  if (isAbsolute(path) || inside.startsWith('..') || isAbsolute(inside)) {
    const message = `the template ${path} is outside of the directory of states ${shorten(use.root)}`;
    return fail({
      reason: 'template',
      message,
      place,
      next: 'put it beside the state and name it relative to the state',
    });
  }
  const extension = /\.(hbs|ya?ml|json)$/.exec(path)?.[1];
  if (extension === undefined) {
    const message = `the template ${path} is neither text (.hbs) nor data (.yaml, .yml, .json)`;
    return fail({ reason: 'template', message, place, next: `rename it, for example to ${path}.hbs` });
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return fail(explainReadError(`the template ${shorten(file)}`, error, place));
  }
  const source = { file: shorten(file), sha256: createHash('sha256').update(bytes).digest('hex') };
  if (extension === 'hbs') return readTextTemplate(source, bytes, grammar, syntax);
  const document = decodeDocument(file, bytes);
  if (!document.ok) return document;
  const tree = readTree(document.value, [], document.value.data, grammar, syntax);
  if (!tree.ok) return tree;
  return succeed({ source, kind: 'document', format: extension === 'json' ? 'json' : 'yaml', tree: tree.value });
}

function readTextTemplate(source: Source, bytes: Uint8Array, grammar: Grammar, syntax: Syntax): Attempt<TemplateFile> {
  const { file } = source;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const place = { file, line: 1, column: 1 };
    return fail({ reason: 'unreadable', message: `${file} is not UTF-8 text`, place, next: 'save it as UTF-8' });
  }
  const locate = ({ line, column }: { line: number; column: number }) => ({ file, line, column: column + 1 });
  const template = parseTemplate(text, locate, { ...grammar, formats: chooseFormats(file) }, syntax);
  return template.ok ? succeed({ source, kind: 'text', template: template.value }) : template;
}

/** What protects a value in one kind of file does not in another: where the name tells the kind, only its formats. */
function chooseFormats(file: string): ReadonlySet<string> {
  if (UNIT_FILE.test(file)) return new Set(['plain', 'word', 'unit']);
  if (file.endsWith('.env.hbs')) return new Set(['plain', 'env']);
  if (file.endsWith('.sh.hbs')) return new Set(['plain', 'sh']);
  return new Set(ALL_FORMATS);
}

export function fileNamesFacts(file: TemplateFile): boolean {
  return file.kind === 'text' ? file.template.namesFacts : treeNamesFacts(file.tree);
}

/** The parameters that stand in place of `template`: `content`, or `document` and `format`. */
export function renderTemplateFile(file: TemplateFile, scope: Scope): Attempt<ValueMap> {
  if (file.kind === 'text') {
    const content = renderText(file.template, scope);
    return content.ok ? succeed({ content: content.value }) : content;
  }
  const document = renderTree(file.tree, scope);
  return document.ok ? succeed({ document: document.value, format: file.format }) : document;
}
