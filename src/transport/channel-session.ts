// A session over any channel at whose far end a shell waits for the loader: ssh and local ones are the same here.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure, HostReason } from '../failure.ts';
import { reveal } from '../sensitive.ts';
import { AnswerCollector, type Stream } from '../shell/answers.ts';
import { type ComposedInput, composeProgram } from '../shell/compose.ts';
import { createFrameParser } from '../shell/frames.ts';
import { composeLoader, frameAtExit, frameHeartbeat, frameProgram, inputHeader, PROGRAM_END } from '../shell/loader.ts';
import type { Program } from '../shell/program.ts';
import { explainSilence } from './become.ts';
import type { Channel, Ending } from './channel.ts';
import type { ApplySession, ProgramResult, RunOptions } from './session.ts';

export interface ChannelSessionOptions {
  host: string;
  outputLimit: number;
  /** Commands run through sudo: for the message when it denies. */
  become?: boolean;
}

/** Inputs sent ahead of their parts' turns: no more than the host's pipe holds, so that heartbeats are not held up. */
const AHEAD_BYTES = 32 * 1024;
/** A heartbeat may go between two of these. */
const PIECE_BYTES = 1024 * 1024;
/** How long a shell may take to run its at-exit script and go. */
const CLOSE_MS = 5000;
/** What the host says before the loader is ready (its motd, sudo's words), kept for a message. */
const PREAMBLE_BYTES = 2000;

/** Sends the loader and returns at once; a host that does not take it is reported by the first program. */
export function openChannelSession(channel: Channel, options: ChannelSessionOptions): ApplySession {
  return new ChannelSession(channel, options);
}

interface Running {
  collector: AnswerCollector;
  finish(failure?: Failure): void;
}

class ChannelSession implements ApplySession {
  readonly host: string;
  programs = 0;
  readonly #channel: Channel;
  readonly #options: ChannelSessionOptions;
  #running: Running | undefined;
  /** What the session ended with; nothing more can be run. */
  #failure: Failure | undefined;
  #ready = false;
  #preamble = '';
  /** A program was sent and its end not yet: the loader still takes inputs for it. */
  #open = false;
  /** Not yet sent. */
  #exitScript: string | undefined;
  /** Wakes the sender of inputs when a part begins or the program ends. */
  #wake: () => void = () => {};

  constructor(channel: Channel, options: ChannelSessionOptions) {
    this.host = options.host;
    this.#channel = channel;
    this.#options = options;
    const nonce = randomBytes(20).toString('hex');
    // A write after the end is no news: `ended` tells of it.
    channel.stdin.on('error', () => {});
    this.#listen('stdout', createFrameParser(nonce));
    this.#listen('stderr', createFrameParser(nonce));
    channel.ended.then((ending) => this.#end(this.#explainEnding(ending)));
    channel.stdin.write(`${composeLoader(nonce)}\n`);
  }

  get ended(): boolean {
    return this.#failure !== undefined;
  }

  read(program: Program & { kind: 'read' }, options: RunOptions): Promise<ProgramResult> {
    return this.#run(program, options);
  }

  write(program: Program & { kind: 'write' }, options: RunOptions): Promise<ProgramResult> {
    return this.#run(program, options);
  }

  atExit(script: string): void {
    this.#exitScript = script;
  }

  heartbeat(script: string): void {
    if (this.#failure === undefined) this.#channel.stdin.write(frameHeartbeat(script));
  }

  async close(): Promise<void> {
    const idle = this.#running === undefined && this.#failure === undefined;
    if (idle) this.#sendAtExit();
    this.#end(this.#fail('interrupted', 'the session was closed'), idle ? undefined : 'destroy');
    if (!idle) return;
    this.#channel.stdin.end();
    const enough = new AbortController();
    await Promise.race([this.#channel.ended, sleep(CLOSE_MS, undefined, { signal: enough.signal }).catch(() => {})]);
    enough.abort();
    this.#channel.destroy();
  }

  async #run(program: Program, options: RunOptions): Promise<ProgramResult> {
    if (this.#running !== undefined) throw new Error(`a program is already running on ${this.host}`);
    const { text, inputs } = composeProgram(program);
    if (this.#failure !== undefined) return { answers: [], failure: this.#failure };
    const collector = new AnswerCollector({
      parts: program.parts.map((part) => part.id),
      outputLimit: this.#options.outputLimit,
      now: () => performance.now(),
      onAnswer: options.onAnswer,
    });
    const finished = Promise.withResolvers<Failure | undefined>();
    this.#running = { collector, finish: finished.resolve };
    const abort = () => this.#end(this.#fail('interrupted', 'the run was interrupted'), 'destroy');
    const expire = () => this.#end(this.#explainTimeout(options.limitMs), 'terminate');
    const timer = setTimeout(expire, options.limitMs);
    options.signal.addEventListener('abort', abort, { once: true });
    if (options.signal.aborted) abort();

    if (this.#failure === undefined) {
      this.programs++;
      this.#send(frameProgram(text, options.limitMs, this.#exitScript));
      this.#exitScript = undefined;
      this.#open = true;
      this.#sendInputs(inputs, collector);
    }
    const failure = await finished.promise;

    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
    this.#running = undefined;
    this.#wake();
    this.#sendAtExit();
    return failure === undefined ? { answers: collector.answers } : { answers: collector.answers, failure };
  }

  #sendAtExit(): void {
    if (this.#exitScript !== undefined) this.#send(frameAtExit(this.#exitScript));
    this.#exitScript = undefined;
  }

  /** Sends what the loader takes between programs. */
  #send(framed: string): void {
    if (this.#failure !== undefined) return;
    this.#channel.stdin.write(this.#open ? PROGRAM_END + framed : framed);
    this.#open = false;
  }

  /** In order, each when its part's turn comes or a little ahead; secrets only to a loader that has answered. */
  async #sendInputs(inputs: ComposedInput[], collector: AnswerCollector): Promise<void> {
    const active = () => this.#running?.collector === collector && this.#failure === undefined;
    for (const [index, input] of inputs.entries()) {
      const ahead = () =>
        inputs.slice(0, index + 1).reduce((sum, { part, size }) => sum + (part > collector.begun ? size : 0), 0);
      while (active() && !(this.#ready && (input.part <= collector.begun || ahead() <= AHEAD_BYTES))) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const bytes = reveal(input.content);
      for (let from = 0; from < bytes.length && active(); from += PIECE_BYTES) {
        const piece = bytes.subarray(from, from + PIECE_BYTES);
        this.#channel.stdin.write(inputHeader(piece.length));
        const drained = this.#channel.stdin.write(piece);
        if (!drained) await Promise.race([once(this.#channel.stdin, 'drain').catch(() => {}), this.#channel.ended]);
      }
    }
  }

  #listen(stream: Stream, parse: ReturnType<typeof createFrameParser>): void {
    this.#channel[stream].on('data', (chunk: Buffer) => {
      for (const frame of parse(chunk)) {
        if (frame.type === 'marker' && frame.words[0] === 'ready') this.#ready = true;
        else if (frame.type === 'marker' && frame.words[0] === 'damaged') {
          this.#end(this.#fail('protocol', 'what was sent did not arrive whole'), 'destroy');
        } else if (this.#running !== undefined) this.#running.collector.take(stream, frame);
        if (!this.#ready && frame.type === 'bytes') {
          this.#preamble = (this.#preamble + frame.bytes.toString()).slice(-PREAMBLE_BYTES);
        }
      }
      this.#advance();
    });
  }

  #advance(): void {
    const running = this.#running;
    if (running === undefined) return;
    const { collector } = running;
    if (collector.fault !== undefined) {
      const remarks = collector.remarks === '' ? '' : `: ${collector.remarks}`;
      this.#end(this.#fail('protocol', `the program cannot be followed, ${collector.fault}${remarks}`), 'terminate');
    } else if (collector.done) running.finish();
    this.#wake();
  }

  /** The session is over; the first failure is the one that is reported. */
  #end(failure: Failure, how?: 'terminate' | 'destroy'): void {
    this.#failure ??= failure;
    this.#running?.finish(this.#failure);
    this.#wake();
    if (how !== undefined) this.#channel[how]();
  }

  #fail(reason: HostReason, message: string, next?: string): Failure {
    const resource = this.#running?.collector.running;
    return {
      reason,
      message,
      host: this.host,
      ...(resource === undefined ? {} : { resource }),
      ...(next === undefined ? {} : { next }),
    };
  }

  #explainTimeout(limitMs: number): Failure {
    const doing = this.#ready ? 'the program has not ended' : 'the login shell has not answered';
    return this.#fail(
      'timeout',
      `${doing} within ${limitMs / 1000} s`,
      `what it still runs there is ended by the host itself within seconds; see why it hangs, then run again`,
    );
  }

  #explainEnding(ending: Ending): Failure {
    if (ending.broken !== undefined) {
      return this.#fail(ending.broken.reason, ending.broken.message, 'check the host and its network, then run again');
    }
    if (!this.#ready)
      return { ...explainSilence(this.#preamble, ending, this.#options.become === true), host: this.host };
    const how = ending.signal === undefined ? `with status ${ending.status}` : `by signal ${ending.signal}`;
    return this.#fail(
      'lost',
      `what this run does there was ended on the host (${how}), as by another run that takes the lock over after a long silence`,
      'see `quorate lock show` for who works there now, then run again',
    );
  }
}
