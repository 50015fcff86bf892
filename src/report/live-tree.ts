// One tree on the terminal: a title and a row a host. What it is told before it is drawn is not lost.
import type { Outcome } from '../engine/events.ts';
import { escapeForTerminal } from './escape.ts';

export interface Row {
  /** What the host does now; text is escaped by the caller. */
  show(text: string): void;
  /** One more resource ended so. */
  tally(outcome: Outcome): void;
  /** The row will end as failed, with this reason; the first one stays. */
  fail(why: string): void;
  /** Ends the row, with `text` or with what was tallied. Later calls change nothing. */
  finish(text?: string): void;
}

export interface Tree {
  /** As it was created with. */
  title: string;
  rows: ReadonlyMap<string, Row>;
  retitle(title: string): void;
  /** Redraws on `stream` until every row has ended. */
  draw(stream: NodeJS.WriteStream, color: boolean): Promise<void>;
}

/** Something with a title: a task of the drawn tree. */
interface Titled {
  title: string | undefined;
}

interface DrawnRow extends Row {
  start(task: Titled): void;
  title(): string;
  /** Why the row failed, if it did, once it has ended. */
  ended: Promise<string | undefined>;
}

export function createTree(title: string, hosts: readonly string[]): Tree {
  const rows = new Map(hosts.map((host) => [host, createRow(host)]));
  let current = title;
  let root: Titled | undefined;
  return {
    title,
    rows,
    retitle(next) {
      current = next;
      if (root) root.title = next;
    },
    async draw(stream, color) {
      const { Listr, ListrLogger, ProcessOutput, ...listr2 } = await import('listr2');
      // listr2 asks whether stdout is a terminal; this tree goes to another stream, which has been asked already.
      class StreamRenderer extends listr2.DefaultRenderer {
        static override nonTTY = true;
      }
      const style = color ? {} : { color: plainStyle(Object.values(listr2.ListrDefaultRendererLogLevels)) };
      const leaves = [...rows.values()].map((row) => ({
        title: row.title(),
        async task(_context: unknown, task: Titled) {
          row.start(task);
          const why = await row.ended;
          if (why !== undefined) throw new Error(why);
        },
      }));
      const tree = new Listr(
        [
          {
            title: current,
            task(_context, task) {
              root = task;
              return task.newListr(leaves, { concurrent: true, exitOnError: false });
            },
          },
        ],
        {
          exitOnError: false,
          // Ctrl-C is the command's: it stops at a safe point.
          registerSignalListeners: false,
          renderer: StreamRenderer,
          rendererOptions: {
            ...style,
            collapseSubtasks: false,
            logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: new ProcessOutput(stream, stream) }),
          },
        },
      );
      await tree.run();
    },
  };
}

function plainStyle(levels: string[]): { [level: string]: (text?: string) => string } {
  return Object.fromEntries(levels.map((level) => [level, (text = '') => text]));
}

function createRow(host: string): DrawnRow {
  const name = escapeForTerminal(host);
  const counts = new Map<Outcome, number>();
  const { promise: ended, resolve: end } = Promise.withResolvers<string | undefined>();
  let failure: string | undefined;
  let text = '';
  let over = false;
  let drawn: Titled | undefined;

  const title = () => (text === '' ? name : `${name}  ${text}`);
  const show = (next: string) => {
    if (over) return;
    text = next;
    if (drawn) drawn.title = title();
  };
  return {
    ended,
    title,
    start(task) {
      drawn = task;
      task.title = title();
    },
    show,
    tally(outcome) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    },
    fail(why) {
      failure ??= why;
    },
    finish(last) {
      show(last ?? [...counts].map(([outcome, number]) => `${number} ${outcome}`).join(', '));
      over = true;
      end(failure === undefined ? undefined : `${name}: ${failure}`);
    },
  };
}
