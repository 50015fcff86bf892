// Finds what the loader says in a stream that anybody may write to: markers are the lines that begin with the nonce.

/** Bytes that a script printed, or a marker: the words that follow the nonce. */
export type Frame = { type: 'bytes'; bytes: Buffer } | { type: 'marker'; words: string[] };

/** No marker is longer; what claims to be one is not the loader's. */
const LONGEST_MARKER = 200;

/**
 * An incremental parser of one stream. However the stream is cut into chunks, the markers and the bytes between
 * them are the same; it holds back no more than what may still become a marker.
 */
export function createFrameParser(nonce: string): (chunk: Buffer) => Frame[] {
  const start = Buffer.from(`${nonce} `);
  let held: Buffer = Buffer.alloc(0);

  return function parse(chunk) {
    const frames: Frame[] = [];
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const emit = (bytes: Buffer) => {
      if (bytes.length > 0) frames.push({ type: 'bytes', bytes });
    };
    for (;;) {
      const at = rest.indexOf(start);
      if (at < 0) break;
      const end = rest.indexOf('\n', at + start.length);
      const length = (end < 0 ? rest.length : end) - at - start.length;
      if (length <= LONGEST_MARKER && end < 0) {
        emit(rest.subarray(0, at));
        held = Buffer.from(rest.subarray(at));
        return frames;
      }
      emit(rest.subarray(0, at));
      if (length > LONGEST_MARKER) {
        frames.push({ type: 'marker', words: ['damaged'] });
        rest = rest.subarray(at + start.length);
        continue;
      }
      frames.push({ type: 'marker', words: rest.toString('latin1', at + start.length, end).split(' ') });
      rest = rest.subarray(end + 1);
    }
    const keep = lengthOfBeginning(rest, start);
    emit(rest.subarray(0, rest.length - keep));
    held = Buffer.from(rest.subarray(rest.length - keep));
    return frames;
  };
}

/** How many bytes at the end of `bytes` may be the beginning of `word`. */
function lengthOfBeginning(bytes: Buffer, word: Buffer): number {
  for (let length = Math.min(bytes.length, word.length - 1); length > 0; length--) {
    if (word.subarray(0, length).equals(bytes.subarray(bytes.length - length))) return length;
  }
  return 0;
}
