import { describe, expect, it } from 'vitest';
import { AnswerCollector } from '../../../src/shell/answers.ts';
import type { Frame } from '../../../src/shell/frames.ts';

const bytes = (text: string): Frame => ({ type: 'bytes', bytes: Buffer.from(text) });
const mark = (text: string): Frame => ({ type: 'marker', words: text.split(' ') });

function collect(parts: string[], outputLimit = 100) {
  let clock = 0;
  const collector = new AnswerCollector({ parts, outputLimit, now: () => clock });
  return {
    collector,
    tick: (ms: number) => {
      clock += ms;
    },
    both(text: string) {
      collector.take('stdout', mark(text));
      collector.take('stderr', mark(text));
    },
  };
}

describe('the answers', () => {
  it('wait for both streams, and measure the part', () => {
    const { collector, tick } = collect(['a']);
    collector.take('stdout', mark('begin 0'));
    collector.take('stdout', bytes('out'));
    tick(40);
    collector.take('stdout', mark('end 0 ran 0'));
    expect(collector.answers).toEqual([]);
    for (const frame of [mark('begin 0'), bytes('err'), mark('end 0 ran 0')]) collector.take('stderr', frame);
    expect(collector.answers).toEqual([
      { id: 'a', state: 'ran', status: 0, stdout: Buffer.from('out'), stderr: 'err', truncated: false, ms: 40 },
    ]);
  });

  it('keep a part to its limit, and say that they were cut', () => {
    const { collector, both } = collect(['a', 'b'], 5);
    both('begin 0');
    collector.take('stdout', bytes('123'));
    collector.take('stdout', bytes('4567'));
    both('end 0 ran 0');
    both('begin 1');
    collector.take('stdout', bytes('12345'));
    both('end 1 ran 0');
    expect(collector.answers.map((answer) => [String(answer.stdout), answer.truncated])).toEqual([
      ['12345', true],
      ['12345', false],
    ]);
  });

  it('end a program that prints without end', () => {
    const { collector, both } = collect(['a'], 10);
    both('begin 0');
    for (let i = 0; i < 17; i++) collector.take('stdout', bytes('0123456789'));
    expect(collector.fault).toContain('more than 160 bytes');
  });

  it('know the part that is running', () => {
    const { collector, both } = collect(['a', 'b']);
    expect(collector.running).toBeUndefined();
    both('begin 0');
    expect(collector.running).toBe('a');
    both('end 0 ran 0');
    expect(collector.running).toBeUndefined();
    both('begin 1');
    expect(collector.running).toBe('b');
  });

  it.each([
    ['a part out of turn', ['begin 1']],
    ['a part that begins twice', ['begin 0', 'begin 0']],
    ['an end without a beginning', ['end 0 ran 0']],
    ['the end of another part', ['begin 0', 'end 1 ran 0']],
    ['a state that is none', ['begin 0', 'end 0 fine 0']],
    ['a status that is none', ['begin 0', 'end 0 ran x']],
    ['an early end', ['begin 0', 'end 0 ran 0', 'done 2']],
    ['a word that is none', ['hello']],
  ])('do not believe %s', (_what, marks) => {
    const { collector, both } = collect(['a', 'b']);
    for (const text of marks) both(text);
    expect(collector.fault).toBeDefined();
  });
});
