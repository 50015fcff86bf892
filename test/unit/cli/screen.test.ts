import { expect, it } from 'vitest';
import type { Io } from '../../../src/cli/io.ts';
import { openScreen } from '../../../src/cli/screen.ts';
import { createTerminal } from '../report/terminal.ts';

function open(columns: number | undefined, isTTY: boolean) {
  const terminal = createTerminal(columns, isTTY);
  const io = { stdout: terminal.stream, env: {} } as unknown as Io;
  return { screen: openScreen(io), text: terminal.text };
}

it('draws in place on the other screen, and leaves the terminal as it was, with the last picture', () => {
  const { screen, text } = open(20, true);
  screen.show('10:00:00', 'one');
  screen.show('10:00:02', `two ${'x'.repeat(40)}`);
  screen.close();
  expect(text().startsWith('\x1b[?1049h\x1b[?25l')).toBe(true);
  expect(text().match(/\x1b\[H/g)).toHaveLength(2);
  // On the screen no line is wider than it is; what stays behind is whole.
  expect(text()).toContain(`two ${'x'.repeat(16)}\x1b[K`);
  expect(text().endsWith(`\x1b[?25h\x1b[?1049ltwo ${'x'.repeat(40)}\n`)).toBe(true);
});

it('never scrolls: what does not fit is counted', () => {
  const { screen, text } = open(80, true);
  screen.show('10:00:00', Array.from({ length: 60 }, (_none, at) => `line ${at}`).join('\n'));
  expect(text().split('\n')).toHaveLength(50);
  expect(text()).toContain('… 13 more lines');
});

it('is blocks, one after the other, where there is no terminal', () => {
  const { screen, text } = open(undefined, false);
  screen.show('10:00:00', 'one');
  screen.show('10:00:02', 'two');
  screen.close();
  expect(text()).toBe('== 10:00:00\none\n\n== 10:00:02\ntwo\n\n');
});
