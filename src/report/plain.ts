// Plain lines with a time stamp: for logs, pipes and CI.
import type { Listener } from '../engine/events.ts';
import { describeEvent } from './sentences.ts';

/** Calls `write` with one line an event, without its newline: RFC 3339 in UTC, then what happened. */
export function createPlainListener(write: (line: string) => void, options: { verbose?: boolean } = {}): Listener {
  return (event) => {
    const sentence = describeEvent(event, options.verbose ?? false);
    if (sentence !== undefined) write(`${event.at.toISOString()} ${sentence}`);
  };
}
