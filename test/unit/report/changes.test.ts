import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderChanges } from '../../../src/report/changes.ts';
import { diffLines } from '../../../src/report/diff.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import type { Value } from '../../../src/value.ts';

function render(before: Value, after: Value, options = {}): string {
  return renderChanges([{ path: 'x', before, after }], options);
}

test.each<[Value, Value, string]>([
  ['0644', '0600', 'x: 0644 → 0600'],
  [null, 'root', 'x: (none) → root'],
  [false, true, 'x: false → true'],
  ['', ' a', 'x: "" → " a"'],
  ['a', '\x1b[31mb', 'x: a → \\x1b[31mb'],
])('%j → %j is one line', (before, after, shown) => {
  expect(render(before, after)).toBe(shown);
});

test('texts are a unified diff with three lines of context', () => {
  const before = Array.from({ length: 12 }, (_, n) => `line ${n + 1}\n`).join('');
  expect(render(before, before.replace('line 6', 'line six'))).toMatchInlineSnapshot(`
    "x:
      @@ -3,7 +3,7 @@
       line 3
       line 4
       line 5
      -line 6
      +line six
       line 7
       line 8
       line 9"
  `);
});

test('what is created is all plus, what is taken away all minus', () => {
  expect(render(null, 'a\nb\n')).toBe('x:\n  @@ -0,0 +1,2 @@\n  +a\n  +b');
  expect(render('a\nb\n', null)).toBe('x:\n  @@ -1,2 +0,0 @@\n  -a\n  -b');
});

test('a missing newline at the end is shown', () => {
  expect(render('a\nb\n', 'a\nb')).toContain('-b\n  +b\n  \\ No newline at end of file');
  expect(render(null, 'a\nb')).toContain('+b\n  \\ No newline at end of file');
});

test('carriage returns and escape sequences in a diff are visible', () => {
  expect(render('a\n', 'a\r\n\x1b]0;x\x07\n')).toContain('+a\\r\n  +\\x1b]0;x\\x07');
});

test('documents are compared as data', () => {
  expect(render({ a: 1, b: [1] }, { a: 2, b: [1] })).toContain('-  "a": 1,\n  +  "a": 2,');
});

test('a long diff is cut and says how to see the rest', () => {
  const after = Array.from({ length: 159 }, (_, n) => `${n}\n`).join('');
  const cut = render(null, after).split('\n');
  expect(cut).toHaveLength(42);
  expect(cut.at(-1)).toBe('  … 120 more lines (-v shows all)');
  expect(render(null, after, { verbose: true }).split('\n')).toHaveLength(161);
});

test('a long value is cut to the width', () => {
  expect(render('a', 'b'.repeat(90), { width: 80 })).toBe(`x: a → ${'b'.repeat(80)}… (10 more, -v shows all)`);
});

test('texts with nothing in common are shown as gone and added, without a search that would not end', () => {
  const lines = (mark: string) => Array.from({ length: 20_000 }, (_, n) => `${mark}${n}\n`).join('');
  expect(diffLines(lines('a'), lines('b'))).toHaveLength(40_001);
});

test.each<[Value, Value, string]>([
  [new Sensitive('a'), new Sensitive('b'), 'x: a secret changes (not shown)'],
  [null, new Sensitive('b'), 'x: a secret is set (not shown)'],
  [new Sensitive('a'), null, 'x: a secret is taken away (not shown)'],
  ['CANARY', new Sensitive('b'), 'x: a secret changes (not shown)'],
  [{ a: new Sensitive('a') }, { a: new Sensitive('b') }, 'x: a secret in it changes (not shown)'],
])('a secret is not shown (%#)', (before, after, shown) => {
  expect(render(before, after, { verbose: true })).toBe(shown);
});

test('what is secret on one side is masked on both, also inside documents', () => {
  const shown = render({ a: 'CANARY', b: ['CANARY'], c: 1 }, { a: new Sensitive('x'), b: [new Sensitive('y')], c: 2 });
  expect(shown).not.toContain('CANARY');
  expect(shown).toContain('-  "c": 1');
});

test('a diff applied to the old text gives the new one', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(applyDiff(before, diffLines(before, after))).toBe(after);
    }),
  );
});

function applyDiff(before: string, diff: string[]): string {
  if (diff.length === 0) return before;
  const old = before === '' ? [] : before.split(/(?<=\n)/);
  const fresh: string[] = [];
  let at = 0;
  for (const [index, line] of diff.entries()) {
    const header = /^@@ -(\d+),(\d+)/.exec(line);
    const newline = diff[index + 1]?.startsWith('\\') ? '' : '\n';
    if (header) {
      const start = header[2] === '0' ? Number(header[1]) : Number(header[1]) - 1;
      while (at < start) fresh.push(old[at++]!);
    } else if (line.startsWith('+')) fresh.push(line.slice(1) + newline);
    else if (line.startsWith('-')) expect(old[at++]).toBe(line.slice(1) + newline);
    else if (line.startsWith(' ')) fresh.push(old[at++]!);
  }
  return fresh.join('') + old.slice(at).join('');
}
