import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeForTerminal, stringifyVisibly } from '../../../src/report/escape.ts';

test.each([
  ['plain ASCII, ümlaut, 漢字, 🙂', 'plain ASCII, ümlaut, 漢字, 🙂'],
  ['\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07'],
  ['\x9b31m', '\\x9b31m'],
  ['a\rb', 'a\\rb'],
  ['a\nb\tc', 'a\\nb\\tc'],
  ['\x00\x7f', '\\x00\\x7f'],
  ['abc\u202egnp.exe', 'abc\\u{202e}gnp.exe'],
  ['pass\u200bword', 'pass\\u{200b}word'],
  ['\u2028\u2029\ufeff', '\\u{2028}\\u{2029}\\u{feff}'],
  ['a\u00a0b\u3000c', 'a\\xa0b\\u{3000}c'],
  ['\u3164\u{e0041}\ufe0f', '\\u{3164}\\u{e0041}\\u{fe0f}'],
  ['\ud800x', '\\u{d800}x'],
])('%j is shown as %s', (text, shown) => {
  expect(escapeForTerminal(text)).toBe(shown);
});

test('newlines and tabs stay where the caller wants several lines, and nothing else does', () => {
  expect(escapeForTerminal('a\n\tb\r\n\x1b', { multiline: true })).toBe('a\n\tb\\r\n\\x1b');
});

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '\x9b', '\r', '\u202e', '\u200d', '\ud800'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
});

test('nothing that a terminal obeys or hides comes through, whatever the text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = escapeForTerminal(text);
      expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/);
      expect(shown.isWellFormed()).toBe(true);
      expect(escapeForTerminal(shown)).toBe(shown);
    }),
  );
});

test('JSON is the same data, on one line, with nothing invisible in it', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = stringifyVisibly({ text });
      expect(JSON.parse(line)).toEqual({ text });
      expect(line).toBe(escapeForTerminal(line));
    }),
  );
});
