import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Attempt, formatPlace } from '../../../src/failure.ts';
import { type Document, parseDocument, readDocument } from '../../../src/load/document.ts';
import { MASK, Sensitive } from '../../../src/sensitive.ts';

function parse(text: string): Document {
  const parsed = parseDocument('f.yaml', text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failures));
  return parsed.value;
}

function listFailures(attempt: Attempt<unknown>): string[] {
  if (attempt.ok) return [];
  return attempt.failures.map(({ place, reason, message, next }) => {
    return `${place ? formatPlace(place) : '-'} ${reason}: ${message}${next === undefined ? '' : ` → ${next}`}`;
  });
}

const UNQUOTED = 'syntax: a value that begins with {{ must be quoted, else YAML reads a map → quote it: "{{ … }}"';

describe('a bad document is refused at its exact place', () => {
  const table: [text: string, failures: string[]][] = [
    ['a: {{ x }}\n', [`f.yaml:1:4 ${UNQUOTED}`]],
    ['a: {{ x }}/b\n', [`f.yaml:1:4 ${UNQUOTED}`]],
    ['a:\n  - {{ x }}\n', [`f.yaml:2:5 ${UNQUOTED}`]],
    ['k: {a: {{ b }}}\n', [`f.yaml:1:8 ${UNQUOTED}`]],
    ['k: [{{ b }}, 2]\n', [`f.yaml:1:5 ${UNQUOTED}`]],
    ['x: {{ a.b }}: 3\n', [`f.yaml:1:4 ${UNQUOTED}`]],
    ['{{ a }}: 1', [`f.yaml:1:1 ${UNQUOTED}`]],
    ['a: {{{ x }}}\n', [`f.yaml:1:4 ${UNQUOTED}`]],
    ['a: {{#if x}}y{{/if}}\n', [`f.yaml:1:4 ${UNQUOTED}`]],
    ['a: 1\nb: 2\na: 3\n', ['f.yaml:3:1 duplicate: the key "a" is already set at f.yaml:1:1 → keep one of the two']],
    [
      'a: 1\n b: 2\n',
      [
        'f.yaml:2:3 syntax: not a map entry here: the indentation or a second ":" is out of place → align it with its neighbours, or quote the value',
      ],
    ],
    ['a:\n\tb: 1\n', ['f.yaml:2:1 syntax: a tab stands where YAML wants spaces → indent with spaces']],
    [
      'a: "x\n',
      [
        'f.yaml:2:1 syntax: a quote or bracket that was opened above is not closed → close it, or indent its following lines',
      ],
    ],
    [
      'a: [1\nb: 2\n',
      [
        'f.yaml:2:1 syntax: a quote or bracket that was opened above is not closed → close it, or indent its following lines',
      ],
    ],
    ['a: "\\q"', ['f.yaml:1:6 syntax: an unknown escape in a "…" string → double the backslash, or use \'…\'']],
    [
      '---\na: 1\n---\nb: 2\n',
      [
        'f.yaml:3:1 syntax: the file holds 2 documents (separated by ---), but one is expected → put each document into a file of its own',
      ],
    ],
    [
      '1: x\n0644: y\ntrue: z\n',
      [
        'f.yaml:1:1 schema: the key 1 is read as a number → write it in quotes: "1"',
        'f.yaml:2:1 schema: the key 0644 is read as a number → write it in quotes: "0644"',
        'f.yaml:3:1 schema: the key true is read as a boolean → write it in quotes: "true"',
      ],
    ],
    ['[a]: b', ['f.yaml:1:1 schema: a key must be a single string → write it in quotes']],
    ['a:\n  __proto__: 1', ['f.yaml:2:3 schema: the key "__proto__" is not allowed → give it another name']],
    ['a: !sensitiv x', ['f.yaml:1:4 unknown: the tag !sensitiv is not known → did you mean !sensitive?']],
    [
      'a: !vault x',
      [
        'f.yaml:1:4 unknown: the tag !vault is not known → ansible-vault is not read: decrypt the value into a file of its own (mode 0600) and write !sensitive-file PATH',
      ],
    ],
    [
      'a: !nope {b: c}',
      [
        'f.yaml:1:4 unknown: the tag (!…) here is not known → quote a value that begins with "!"; known are !sensitive and !sensitive-file',
      ],
    ],
    [
      'a: !sensitive {b: c}',
      ['f.yaml:1:4 schema: the tag !sensitive does not fit a map or a list → tag each single value'],
    ],
    [
      '%TAG !! tag:example.org,2000:\n---\na: 1\n',
      ['f.yaml:1:1 syntax: the directive %TAG is not supported → remove it and write tags in full'],
    ],
    [
      'a: *x',
      [
        'f.yaml:1:4 unknown: the alias (*…) here names no anchor (&…) above it → quote a value that begins with "*", or define its anchor above',
      ],
    ],
    [
      'a: &x [*x]',
      [
        'f.yaml:1:8 unknown: the alias (*…) here stands inside what it names → quote a value that begins with "*", or define its anchor above',
      ],
    ],
    [
      'a: {<<: 1}',
      ['f.yaml:1:5 schema: the merge key << takes a map or a list of maps → use an alias of a map: <<: *name'],
    ],
    [
      'a: 12345678901234567890\nb: .inf\nc: .nan\n',
      [
        'f.yaml:1:4 schema: the number here cannot be kept exactly → write it in quotes',
        'f.yaml:2:4 schema: the number here cannot be kept exactly → write it in quotes',
        'f.yaml:3:4 schema: the number here cannot be kept exactly → write it in quotes',
      ],
    ],
    ['a: !!int x', ['f.yaml:1:4 schema: the value after !!int is not of that type → remove the tag']],
  ];
  test.each(table)('%j', (text, failures) => {
    expect(listFailures(parseDocument('f.yaml', text))).toEqual(failures);
  });
});

describe('what is written is what is read', () => {
  test('an empty document is an empty map, an explicit null stays null', () => {
    expect(parse('').data).toEqual({});
    expect(parse('# only a comment\n').data).toEqual({});
    expect(parse('---\n# nothing\n').data).toEqual({});
    expect(parse('null\n').data).toBeNull();
  });

  test('YAML 1.2 words: yes is a string, 0644 a number that remembers how it is written', () => {
    const { data, written } = parse('a: yes\nb: 0644\nc: 3.10\nd: "0644"\ne: ~\nf: 0o17\ng: !!str 1\n');
    expect(data).toEqual({ a: 'yes', b: 644, c: 3.1, d: '0644', e: null, f: 15, g: '1' });
    expect([written(['b']), written(['c']), written(['d'])]).toEqual(['0644', '3.10', undefined]);
  });

  test('quoted templates and {{ inside text are plain strings', () => {
    const { data } = parse(`a: "{{ x }}"\nb: '{{ y }}'\nc: /x/{{ z }}\nd: |\n  {{ w }}\n`);
    expect(data).toEqual({ a: '{{ x }}', b: '{{ y }}', c: '/x/{{ z }}', d: '{{ w }}\n' });
  });

  test('aliases copy, merge keys merge, own keys win', () => {
    const { data } = parse('a: &x {p: 1, q: 2}\nb: *x\nc:\n  q: 3\n  <<: *x\nd: {<<: [{p: 8}, *x]}\n');
    expect(data).toEqual({ a: { p: 1, q: 2 }, b: { p: 1, q: 2 }, c: { p: 1, q: 3 }, d: { p: 8, q: 2 } });
  });

  test('any JSON is read as JSON reads it', () => {
    const scalar = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        scalar,
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(
          fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
          tie('tree'),
          { maxKeys: 5 },
        ),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const parsed = parseDocument('f.json', JSON.stringify(value, null, 2));
        expect(parsed.ok && JSON.parse(JSON.stringify(parsed.value.data))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('a bomb of aliases is refused: it would never be unpacked', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`);
    const failures = listFailures(parseDocument('f.yaml', `a0: &a0 x\n${lines.join('\n')}\n`));
    expect(failures).toEqual([
      'f.yaml:6:10 syntax: the aliases up to here stand for more than 10000 values → use fewer aliases',
    ]);
  });
});

describe('every key and value knows its place', () => {
  test('in block and flow style, quoted, tagged, in lists', () => {
    const document = parse('# c\na: 1\nb:\n  - x\n  - {y: "z"}\nc: !sensitive s\nd: |\n  text\ne:\n');
    const at = (path: (string | number)[], which?: 'key') => formatPlace(document.place(path, which));
    expect(at(['a'])).toBe('f.yaml:2:4');
    expect(at(['a'], 'key')).toBe('f.yaml:2:1');
    expect(at(['b', 0])).toBe('f.yaml:4:5');
    expect(at(['b', 1, 'y'])).toBe('f.yaml:5:9');
    expect(at(['b', 1, 'y'], 'key')).toBe('f.yaml:5:6');
    expect(at(['c'])).toBe('f.yaml:6:4');
    expect(at(['d'])).toBe('f.yaml:8:3');
    expect(at(['e'])).toBe('f.yaml:9:1');
  });

  test('a path without a place has that of its nearest ancestor', () => {
    expect(formatPlace(parse('a:\n  b: {c: 1}\n').place(['a', 'b', 'x', 'y']))).toBe('f.yaml:2:6');
  });

  test('byte order mark and every kind of line end', () => {
    const document = parse('\uFEFFa: 1\r\nb: 2\rc: 3\n');
    expect(['a', 'b', 'c'].map((key) => formatPlace(document.place([key])))).toEqual([
      'f.yaml:1:4',
      'f.yaml:2:4',
      'f.yaml:3:4',
    ]);
  });

  test('what an alias brings stands at the anchor, the alias itself where it is', () => {
    const document = parse('a: &x {p: 1}\nb: *x\n');
    expect(formatPlace(document.place(['b']))).toBe('f.yaml:2:4');
    expect(formatPlace(document.place(['b', 'p']))).toBe('f.yaml:1:11');
  });
});

describe('secrets', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quorate-document-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('!sensitive keeps the text as written and never prints', () => {
    const { data } = parse('a: !sensitive 0123\nb: !sensitive "p{{q}}"\n') as { data: { [key: string]: Sensitive } };
    expect([data.a?.reveal(), data.b?.reveal()]).toEqual(['0123', 'p{{q}}']);
    expect(inspect(data) + JSON.stringify(data)).not.toMatch(/0123|p\{/);
    expect(String(data.a)).toBe(MASK);
  });

  test('!sensitive-file reads the file beside the document, without its last line end', async () => {
    await writeFile(join(directory, 'secret'), 'hunter2\n', { mode: 0o600 });
    await writeFile(join(directory, 'f.yaml'), 'a: !sensitive-file secret\n');
    const document = await readDocument(join(directory, 'f.yaml'));
    const value = document.ok ? (document.value.data as { a: Sensitive }).a : undefined;
    expect(value).toBeInstanceOf(Sensitive);
    expect(value?.reveal()).toBe('hunter2');
  });

  test('!sensitive-file is refused if others may read it, if it is missing, or no file', async () => {
    await writeFile(join(directory, 'open'), 'hunter2\n');
    await chmod(join(directory, 'open'), 0o644);
    const text = 'a: !sensitive-file open\nb: !sensitive-file nope\nc: !sensitive-file .\nd: !sensitive-file\n';
    const failures = listFailures(parseDocument(join(directory, 'f.yaml'), text)).map((line) =>
      line.replace(/^.*f\.yaml:/, ''),
    );
    expect(failures).toEqual([
      '1:4 unreadable: the secret in open is open to others: its mode is 0644 → chmod 0600 open',
      '2:4 unreadable: nope does not exist → check the path',
      '3:4 unreadable: . is not a regular file → name a file',
      '4:4 schema: !sensitive-file names no file → write !sensitive-file PATH',
    ]);
  });

  test('a number that is too long to keep is not printed: it may be a secret', () => {
    expect(listFailures(parseDocument('f.yaml', 'pin: 98765432109876543210\n')).join()).toBe(
      'f.yaml:1:6 schema: the number here cannot be kept exactly → write it in quotes',
    );
  });

  test('a failure beside a secret, or in one that was not quoted, does not print it', () => {
    for (const text of [
      'a: *hunter2\n',
      'a: !hunter2\n',
      'a: 1.hunter2: x\n',
      'a: !sensitive "hunter2" x\n',
      'a: !sensitive hunter2: x\n',
      'a: !sensitive [hunter2\n',
    ]) {
      const failures = listFailures(parseDocument('f.yaml', text));
      expect(failures).toHaveLength(1);
      expect(failures.join()).not.toContain('hunter2');
    }
  });
});

describe('files', () => {
  test('a missing file, a directory and bytes that are not UTF-8 are failures, not exceptions', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-document-'));
    await writeFile(join(directory, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
    const reasons = [];
    for (const name of ['missing.yaml', '.', 'latin1.yaml']) {
      const read = await readDocument(join(directory, name));
      reasons.push(
        listFailures(read).map((line) => line.replaceAll(join(directory, name), 'F').replaceAll(directory, 'F')),
      );
    }
    await rm(directory, { recursive: true });
    expect(reasons).toEqual([
      ['- unreadable: F does not exist → check the path'],
      ['- unreadable: F is a directory → name a file'],
      ['F:1:1 unreadable: F is not UTF-8 text → save it as UTF-8'],
    ]);
  });
});
