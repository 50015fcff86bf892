// A screen that is drawn again and again: on a terminal in place, elsewhere as blocks one after the other.
import { stripVTControlCharacters } from 'node:util';
import type { Io } from './io.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const REST_OF_LINE = '\x1b[K';
const REST_OF_SCREEN = '\x1b[J';

export interface Screen {
  /** It draws in place, so it may be drawn often. */
  redraws: boolean;
  show(time: string, text: string): void;
  /** Gives the terminal back as it was, and leaves the last picture on it. */
  close(): void;
}

/** The other screen of the terminal, so that what stood there before comes back. */
export function openScreen({ stdout, env }: Io): Screen {
  if (stdout.isTTY !== true || !stdout.columns || env.TERM === 'dumb') {
    return { redraws: false, show: (time, text) => void stdout.write(`== ${time}\n${text}\n\n`), close() {} };
  }
  let last = '';
  stdout.write(ENTER);
  return {
    redraws: true,
    show(time, text) {
      last = text;
      const rows = (stdout as NodeJS.WriteStream).rows ?? 24;
      const lines = [`${time}  (Ctrl-C ends)`, '', ...text.split('\n')].flatMap((line) => cut(line, stdout.columns!));
      const shown =
        lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
      stdout.write(`${HOME}${shown.map((line) => `${line}${REST_OF_LINE}`).join('\n')}${REST_OF_SCREEN}`);
    },
    close() {
      stdout.write(`${LEAVE}${last === '' ? '' : `${last}\n`}`);
    },
  };
}

/** A line that the terminal would wrap counts for more than one row: cut it, but never within a colour. */
function cut(line: string, columns: number): string[] {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? [line] : [plain.slice(0, columns)];
}
