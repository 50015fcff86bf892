// Puts the frames of both streams together: one answer a part, bounded, in the order of the program.
import type { Frame } from './frames.ts';
import type { Answer } from './program.ts';

export type Stream = 'stdout' | 'stderr';

export interface CollectorOptions {
  /** The ids of the program's parts, in order. */
  parts: readonly string[];
  /** Bytes of each stream of each part that are kept. */
  outputLimit: number;
  /** Milliseconds; a clock that never goes back. */
  now: () => number;
  onAnswer?: ((answer: Answer) => void) | undefined;
}

/** All that a program may print, kept or not, as a multiple of what is kept of one part. */
const TOTAL_FACTOR = 16;
/** Bytes of stderr outside of all parts that are kept, to say why a program broke off. */
const REMARKS_LIMIT = 2000;
const STATES: readonly string[] = ['ran', 'blocked', 'skipped', 'moved', 'input-failed'] satisfies Answer['state'][];

interface Output {
  /** Position of the part whose output follows, or -1. */
  part: number;
  beganAt: number;
  chunks: Buffer[];
  size: number;
  truncated: boolean;
  /** Ended parts, waiting for the other stream. */
  ended: { state: string; status: number; beganAt: number; bytes: Buffer; truncated: boolean }[];
  done: boolean;
}

/** The answers of one program, as its frames arrive. */
export class AnswerCollector {
  readonly answers: Answer[] = [];
  /** Position of the last part that has begun, -1 before. */
  begun = -1;
  /** Why the frames cannot be believed: the session must end. */
  fault: string | undefined;
  readonly #options: CollectorOptions;
  readonly #streams: Record<Stream, Output> = { stdout: createOutput(), stderr: createOutput() };
  #printed = 0;
  #remarks = '';

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** The program has ended and said so on both streams. */
  get done(): boolean {
    return this.#streams.stdout.done && this.#streams.stderr.done;
  }

  /** The part that has begun and is not answered yet. */
  get running(): string | undefined {
    return this.begun >= this.answers.length ? this.#options.parts[this.begun] : undefined;
  }

  /** What the program's own shell said on stderr, outside of all parts. */
  get remarks(): string {
    return this.#remarks.trim();
  }

  take(stream: Stream, frame: Frame): void {
    if (this.fault !== undefined) return;
    if (frame.type === 'bytes') this.#keep(stream, frame.bytes);
    else this.#mark(stream, frame.words);
  }

  #keep(stream: Stream, bytes: Buffer): void {
    const { outputLimit } = this.#options;
    this.#printed += bytes.length;
    if (this.#printed > outputLimit * TOTAL_FACTOR) {
      this.fault = `it printed more than ${outputLimit * TOTAL_FACTOR} bytes`;
      return;
    }
    const output = this.#streams[stream];
    if (output.part < 0) {
      if (stream === 'stderr') this.#remarks = (this.#remarks + bytes.toString()).slice(0, REMARKS_LIMIT);
      return;
    }
    const kept = bytes.subarray(0, outputLimit - output.size);
    if (kept.length < bytes.length) output.truncated = true;
    if (kept.length > 0) output.chunks.push(kept);
    output.size += kept.length;
  }

  #mark(stream: Stream, [kind, ...words]: string[]): void {
    const output = this.#streams[stream];
    if (kind === 'begin') this.#begin(stream, output, words);
    else if (kind === 'end') this.#end(output, words);
    else if (kind === 'done') output.done = true;
    else this.fault = `it sent a marker that nobody knows: ${kind}`;
    if (this.done && this.answers.length < this.#options.parts.length) {
      const next = this.#options.parts[this.answers.length];
      this.fault = `it broke off with status ${words[0]} before ${next} was answered`;
    }
  }

  #begin(stream: Stream, output: Output, [index]: string[]): void {
    if (
      output.part >= 0 ||
      Number(index) !== output.ended.length ||
      output.ended.length >= this.#options.parts.length
    ) {
      this.fault = `part ${index} began out of turn`;
      return;
    }
    output.part = Number(index);
    output.beganAt = this.#options.now();
    if (stream === 'stdout') this.begun = output.part;
  }

  #end(output: Output, [index, state = '', status]: string[]): void {
    if (
      output.part < 0 ||
      Number(index) !== output.part ||
      !STATES.includes(state) ||
      !/^\d{1,3}$/.test(status ?? '')
    ) {
      this.fault = `part ${index} ended out of turn`;
      return;
    }
    output.ended.push({
      state,
      status: Number(status),
      beganAt: output.beganAt,
      bytes: Buffer.concat(output.chunks),
      truncated: output.truncated,
    });
    Object.assign(output, { part: -1, chunks: [], size: 0, truncated: false });
    this.#answer();
  }

  /** The answer of the next part, once both its streams have ended. */
  #answer(): void {
    const position = this.answers.length;
    const stdout = this.#streams.stdout.ended[position];
    const stderr = this.#streams.stderr.ended[position];
    if (stdout === undefined || stderr === undefined) return;
    const answer: Answer = {
      id: this.#options.parts[position] as string,
      state: stdout.state as Answer['state'],
      status: stdout.status,
      stdout: stdout.bytes,
      stderr: stderr.bytes.toString(),
      truncated: stdout.truncated || stderr.truncated,
      ms: Math.round(this.#options.now() - stdout.beganAt),
    };
    this.answers.push(answer);
    this.#options.onAnswer?.(answer);
  }
}

function createOutput(): Output {
  return { part: -1, beganAt: 0, chunks: [], size: 0, truncated: false, ended: [], done: false };
}
