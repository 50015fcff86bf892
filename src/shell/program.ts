// What a host is asked to run: one program, made of parts, each answered in frames of its own.
import type { Sensitive } from '../sensitive.ts';

/** Bytes that travel in-band to a 0600 temporary in `directory` before the part's script runs; its path is `$1`, `$2`, … */
export interface Input {
  /** Beside the target, so that the script can rename. If it does not exist the part fails and its bytes are drained. */
  directory: string;
  content: Uint8Array | Sensitive<Uint8Array>;
}

export interface Part {
  /** Unique in its program: a resource's id, or a word such as `facts`. */
  id: string;
  /** POSIX sh, run in a subshell with stdin from /dev/null. Its exit status is the part's. */
  script: string;
  inputs?: Input[];
  /** Ids of earlier parts of this program, none of which may have failed or been blocked; else the part is not run: `blocked`. */
  needs?: string[];
  /** Ids of earlier parts of which one at least must have failed or been blocked, else the part is not run: `skipped`. */
  onfail?: string[];
  /** Run in the program's own shell and not in one of its own, so that later parts see what it sets. It must not exit. */
  shared?: true;
  /** The part must have read this line (see Module.read) just before it writes; else it is `moved`, and nothing is run. */
  guard?: { read: string; fingerprint: string };
}

export interface Program {
  kind: 'read' | 'write';
  /**
   * Shell functions and variables for all parts, run in the program's own shell before them. Its `set -e` and IFS do
   * not reach the parts; names that begin with `q_` are the protocol's; if it exits, the program fails: `protocol`.
   */
  prelude?: string;
  parts: Part[];
}

/** How a part went. `status` is the script's exit status where it ran. */
export interface Answer {
  id: string;
  state: 'ran' | 'blocked' | 'skipped' | 'moved' | 'input-failed';
  status: number;
  stdout: Buffer;
  stderr: string;
  /** The output was longer than the limit and was cut. */
  truncated: boolean;
  /** Milliseconds on the host's clock as seen by the controller between the part's begin and end frames. */
  ms: number;
}
