import { expect, it } from 'vitest';
import { Sensitive } from '../../../src/sensitive.ts';
import { composeProgram } from '../../../src/shell/compose.ts';
import { composeLoader } from '../../../src/shell/loader.ts';
import type { Part } from '../../../src/shell/program.ts';

const compose = (...parts: Part[]) => composeProgram({ kind: 'write', parts });

it('gives the inputs in the order in which the program takes them', () => {
  const input = (text: string) => ({ directory: '/tmp', content: Buffer.from(text) });
  const { inputs } = compose(
    { id: 'a', script: ':', inputs: [input('1'), input('22')] },
    { id: 'b', script: ':' },
    { id: 'c', script: ':', inputs: [input('333')] },
  );
  expect(inputs.map(({ part, size }) => [part, size])).toEqual([
    [0, 1],
    [0, 2],
    [2, 3],
  ]);
});

it('keeps secrets out of the text', () => {
  const content = new Sensitive(Buffer.from('hunter2'));
  expect(compose({ id: 'a', script: ':', inputs: [{ directory: '/tmp', content }] }).text).not.toContain('hunter2');
});

it.each<[string, Part[]]>([
  [
    'two parts of one name',
    [
      { id: 'a', script: ':' },
      { id: 'a', script: ':' },
    ],
  ],
  [
    'a need that comes later',
    [
      { id: 'a', script: ':', needs: ['b'] },
      { id: 'b', script: ':' },
    ],
  ],
  ['an onfail that nobody knows', [{ id: 'a', script: ':', onfail: ['x'] }]],
  ['a relative directory', [{ id: 'a', script: ':', inputs: [{ directory: 'tmp', content: Buffer.alloc(1) }] }]],
])('refuses %s', (_what, parts) => {
  expect(() => compose(...parts)).toThrow();
});

it('has a loader of one line, with a nonce of 128 bits at least', () => {
  expect(composeLoader('0'.repeat(32))).not.toContain('\n');
  expect(() => composeLoader('0'.repeat(31))).toThrow('nonce');
});
