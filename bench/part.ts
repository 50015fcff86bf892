import type { Row } from './row.ts';

/** A part of the measurements: it makes what it needs, and takes it away again. */
export interface Part {
  name: string;
  /** One sentence for the reader of the results: what is measured, and how. */
  about: string;
  /** Throws when its work was not done: a host is down, a change was left. */
  run(options: PartOptions): Promise<Row[]>;
}

export interface PartOptions {
  /** Of each pair; at least 5. */
  rounds: number;
  tell(line: string): void;
}
