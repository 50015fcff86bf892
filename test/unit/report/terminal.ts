// A stream that says it is a terminal, and remembers what was written to it.
import { Writable } from 'node:stream';

export function createTerminal(columns: number | undefined = 100, isTTY = true) {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  Object.assign(stream, { isTTY, columns, rows: 50 });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => chunks.join('') };
}
