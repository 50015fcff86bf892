// How far something long is: one line that is drawn again on a terminal, else a plain line now and then.
import { canRedraw } from './choose.ts';
import { escapeForTerminal } from './escape.ts';
import { formatDuration } from './layout.ts';

export interface Progress {
  /** Bytes. `total` may become known, or change, on the way. */
  show(done: number, total?: number): void;
  /** Takes the line away: what was done is said elsewhere. */
  end(): void;
}

export interface ProgressOptions {
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  env: { readonly [name: string]: string | undefined };
  /** Milliseconds; a clock that never goes back. */
  now?: () => number;
}

const REDRAW_MS = 200;
const PLAIN_MS = 10_000;

/** @param what is being done: `reading m1.db` */
export function createProgress(what: string, options: ProgressOptions): Progress {
  const { stderr, now = () => performance.now() } = options;
  const redraw = canRedraw(options);
  const began = now();
  let last = redraw ? Number.NEGATIVE_INFINITY : began;
  let drawn = false;
  return {
    show(done, total) {
      if (now() - last < (redraw ? REDRAW_MS : PLAIN_MS)) return;
      last = now();
      const line = `${escapeForTerminal(what)}: ${describeProgress(done, total, last - began)}`;
      if (redraw) stderr.write(`\r\x1b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
      else stderr.write(`${new Date().toISOString()} ${line}\n`);
      drawn = redraw;
    },
    end() {
      if (drawn) stderr.write('\r\x1b[K');
      drawn = false;
    },
  };
}

/** `45 % of 1.2 GiB, 80 MiB/s, 8.3 s left`. */
export function describeProgress(done: number, total: number | undefined, ms: number): string {
  const rate = ms > 0 ? (done / ms) * 1000 : 0;
  const speed = rate > 0 ? [`${formatBytes(rate)}/s`] : [];
  if (total === undefined || total === 0) return [formatBytes(done), ...speed].join(', ');
  const share = `${Math.floor((Math.min(done, total) / total) * 100)} % of ${formatBytes(total)}`;
  const left = rate > 0 ? [`${formatDuration((Math.max(0, total - done) / rate) * 1000)} left`] : [];
  return [share, ...speed, ...left].join(', ');
}

/** `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
