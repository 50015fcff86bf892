// YAML's syntax errors in plain words.
import type { YAMLException } from 'js-yaml';
import type { Failure, Place } from '../failure.ts';

/** What YAML makes of a value that begins with `{{` and is not quoted is never what was meant. */
export const UNQUOTED_TEMPLATE: Omit<Failure, 'place'> = {
  reason: 'syntax',
  message: 'a value that begins with {{ must be quoted, else YAML reads a map',
  next: 'quote it: "{{ … }}"',
};

const CLOSE_IT = 'close it, or indent its following lines';
const PLAIN_WORDS: [pattern: RegExp, message: string, next: string][] = [
  [
    /^bad indentation of a mapping entry/,
    'not a map entry here: the indentation or a second ":" is out of place',
    'align it with its neighbours, or quote the value',
  ],
  [
    /^bad indentation of a sequence entry/,
    'not a list item here: the indentation is out of place',
    'align it with its neighbours',
  ],
  [
    /^deficient indentation|^unexpected end of the (stream|document)/,
    'a quote or bracket that was opened above is not closed',
    CLOSE_IT,
  ],
  [/^tab characters must not/, 'a tab stands where YAML wants spaces', 'indent with spaces'],
  [
    /^end of the stream or a document separator/,
    'what stands here belongs to nothing above it',
    'check its indentation (spaces, no tabs) and quotes',
  ],
  [/^missed comma/, 'a comma is missing between the entries of a […] or {…}', 'separate entries with commas'],
  [/^can not read a block mapping entry|^expected ':' after/, 'a key without ": " and a value', 'write KEY: VALUE'],
  [
    /^unknown escape sequence|^expected hexadecimal/,
    'an unknown escape in a "…" string',
    "double the backslash, or use '…'",
  ],
  [/non-printable/, 'the text has a control character', 'remove it, or write it as an escape in "…"'],
  [/^nesting exceeded/, 'the values are nested more than 100 deep', 'flatten them'],
  [/^undeclared tag handle|^tag (suffix|name)/, 'not a tag that YAML knows', 'known are: !sensitive, !sensitive-file'],
];

/** The failure for what js-yaml threw; the snippet in its message is left out, because it could hold a secret. */
export function explainSyntax(error: YAMLException, text: string, locate: (offset: number) => Place): Failure {
  const offset = Math.min(error.mark?.position ?? 0, text.length);
  const template = findUnquotedTemplate(text, offset);
  if (template !== undefined) return { ...UNQUOTED_TEMPLATE, place: locate(template) };
  const known = PLAIN_WORDS.find(([pattern]) => pattern.test(error.reason));
  const message = known?.[1] ?? `not YAML: ${error.reason}`;
  return { reason: 'syntax', message, place: locate(offset), next: known?.[2] ?? 'check indentation and quotes here' };
}

/** The offset of a `{{` that begins a value, on the line of the error or the one above it. */
function findUnquotedTemplate(text: string, offset: number): number | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', lineStart);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  const aboveStart = text.lastIndexOf('\n', lineStart - 2) + 1;
  const above = lineStart === 0 ? '' : text.slice(aboveStart, lineStart - 1);
  const here = findTemplateStart(line);
  if (here !== undefined) return lineStart + here;
  const there = findTemplateStart(above);
  return there === undefined ? undefined : aboveStart + there;
}

function findTemplateStart(line: string): number | undefined {
  for (const match of line.matchAll(/(?:^\s*|[:?,-]\s+|[[{]\s*)\{\{/g)) {
    const start = match.index + match[0].length - 2;
    const before = line.slice(0, start);
    const quoted = countOf(before, '"') % 2 === 1 || countOf(before, "'") % 2 === 1;
    const commented = /(?:^|\s)#/.test(before);
    if (!quoted && !commented) return start;
  }
  return undefined;
}

function countOf(text: string, letter: string): number {
  return text.split(letter).length - 1;
}
