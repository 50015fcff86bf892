import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { chooseListener } from '../../../src/report/choose.ts';
import { createLiveListener } from '../../../src/report/live.ts';
import { exampleEvents } from './example.ts';
import { createTerminal } from './terminal.ts';

// listr2 looks at the environment when it is first imported; here it shall want colour, so that its absence is ours.
vi.hoisted(() => {
  process.env.FORCE_COLOR = '1';
});

async function watch(color: boolean): Promise<string> {
  const terminal = createTerminal();
  const listener = createLiveListener(terminal.stream, { color });
  for (const event of exampleEvents()) {
    listener(event);
    // Lets the tree draw in between, as a run's own waiting does.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await listener.settle();
  return terminal.text();
}

test('the tree ends with one row a host in each part of the run, and the outcome', async () => {
  const text = stripVTControlCharacters(await watch(false));
  expect(text).toMatch(/✔ m1 {2}read 41 resources \(250 ms\)/);
  expect(text.replaceAll(/\s+/g, ' ')).toContain(
    '✖ m3: no connection to 10.0.0.3 port 22 within 10 s; next: look whether it is up',
  );
  expect(text).toMatch(/✖ m1: failed kubernetes\.etcd\.configured\/etcd/);
  expect(text).toContain('Proving');
  expect(text.trimEnd().split('\n').at(-1)).toBe('run 20300102T030405Z-ab12: failed (4.2 s)');
});

test('the tree goes to its own stream alone, and leaves the cursor visible', async () => {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const text = await watch(false);
    expect(stdout).not.toHaveBeenCalled();
    expect(text.lastIndexOf('\x1b[?25h')).toBeGreaterThan(text.lastIndexOf('\x1b[?25l'));
  } finally {
    stdout.mockRestore();
  }
});

test('without colour there is none, even where listr2 would use it', async () => {
  expect(await watch(true)).toMatch(/\x1b\[[0-9;]*m/);
  expect(await watch(false)).not.toMatch(/\x1b\[[0-9;]*m/);
});

test('after settle the terminal is free: nothing more is written', async () => {
  const terminal = createTerminal();
  const listener = createLiveListener(terminal.stream, { color: false });
  for (const event of exampleEvents()) {
    listener(event);
    if (event.type === 'planned') break;
  }
  await listener.settle();
  const settled = terminal.text();
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(terminal.text()).toBe(settled);
});

test('a host or resource cannot steer the terminal', async () => {
  const terminal = createTerminal();
  const listener = createLiveListener(terminal.stream, { color: false });
  const at = new Date();
  listener({ type: 'run-started', at, run: 'r', command: 'apply', states: ['s'], targets: ['m1'] });
  listener({ type: 'host-failed', at, host: 'm1', failure: { reason: 'lost', message: '\x1b]0;owned\x07' } });
  await listener.settle();
  expect(terminal.text()).not.toContain('\x1b]0');
  expect(terminal.text()).toContain('\\x1b]0;owned\\x07');
});

test.each([
  ['not a terminal', 100, false, {}],
  ['CI is set', 100, true, { CI: 'true' }],
  ['0 columns', 0, true, {}],
  ['no size', undefined, true, {}],
  ['a dumb terminal', 100, true, { TERM: 'dumb' }],
])('plain lines where a tree cannot be drawn: %s', async (_case, columns, isTTY, env) => {
  const terminal = createTerminal(100, isTTY);
  Object.assign(terminal.stream, { columns });
  const listener = chooseListener({ stderr: terminal.stream, env, verbose: false });
  for (const event of exampleEvents()) listener(event);
  await listener.settle();
  expect(terminal.text()).not.toContain('\x1b');
  expect(terminal.text().split('\n')[0]).toMatch(/^2030-01-02T03:04:05\.678Z run /);
});

test('a terminal gets the tree', async () => {
  const terminal = createTerminal();
  const listener = chooseListener({ stderr: terminal.stream, env: {}, verbose: false });
  for (const event of exampleEvents()) listener(event);
  await listener.settle();
  expect(terminal.text()).toContain('\x1b[?25l');
});
