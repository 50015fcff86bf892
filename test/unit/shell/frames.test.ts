import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameParser, type Frame } from '../../../src/shell/frames.ts';

const NONCE = 'ab'.repeat(16);
const marker = fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { minLength: 1, maxLength: 4 });
const bytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map((array) => Buffer.from(array)),
  // Whatever comes near a marker: beginnings of the nonce, other nonces, markers that were cut.
  fc
    .constantFrom('a', 'ab', NONCE, NONCE.slice(0, 31), `${'cd'.repeat(16)} end 0 ran 0\n`, '\n', ' ')
    .map((text) => Buffer.from(text)),
);
const piece: fc.Arbitrary<Frame> = fc.oneof(
  marker.map((words) => ({ type: 'marker' as const, words })),
  bytes.map((data) => ({ type: 'bytes' as const, bytes: data })),
);

/** Neighbouring bytes joined, so that only what was said counts, not how it was cut. */
function join(frames: Frame[]): Frame[] {
  const joined: Frame[] = [];
  for (const frame of frames) {
    const last = joined.at(-1);
    if (frame.type === 'bytes' && last?.type === 'bytes') last.bytes = Buffer.concat([last.bytes, frame.bytes]);
    else joined.push({ ...frame });
  }
  return joined;
}

function encode(frames: Frame[]): Buffer {
  return Buffer.concat(
    frames.map((frame) => (frame.type === 'bytes' ? frame.bytes : Buffer.from(`${NONCE} ${frame.words.join(' ')}\n`))),
  );
}

describe('the frame parser', () => {
  it('finds the same bytes and markers however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(60), { minLength: 1 }), (pieces, cuts) => {
        // A nonce and a space that a script could print by chance are excluded: it has 128 bits.
        const frames = join(pieces);
        const stream = encode([...frames, { type: 'marker', words: ['done'] }]);
        fc.pre(
          stream.toString('latin1').split(`${NONCE} `).length - 2 === frames.filter((f) => f.type === 'marker').length,
        );
        const parse = createFrameParser(NONCE);
        const found: Frame[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = 1 + (cuts[turn % cuts.length] as number);
          found.push(...parse(stream.subarray(at, at + size)));
          at += size;
        }
        expect(join(found)).toEqual([...frames, { type: 'marker', words: ['done'] }]);
      }),
      { numRuns: 500 },
    );
  });

  it('holds back only what may become a marker', () => {
    const parse = createFrameParser(NONCE);
    expect(parse(Buffer.from('text aba'))).toEqual([{ type: 'bytes', bytes: Buffer.from('text ') }]);
    expect(parse(Buffer.from('x'))).toEqual([{ type: 'bytes', bytes: Buffer.from('abax') }]);
  });

  it('does not wait for ever for the end of a marker', () => {
    const parse = createFrameParser(NONCE);
    expect(parse(Buffer.from(`${NONCE} ${'x'.repeat(500)}`))[0]).toEqual({ type: 'marker', words: ['damaged'] });
  });
});
