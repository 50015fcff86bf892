// The loader alone, given what no session would send.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  composeLoader,
  frameHeartbeat,
  frameProgram,
  GRACE_SECONDS,
  inputHeader,
  PROGRAM_END,
} from '../../../src/shell/loader.ts';
import { openLocalChannel } from '../../../src/transport/local.ts';
import { SHELLS } from '../shell/shells.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Empty where there is no such process, or none any more. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe.each(SHELLS)('under %s', (_name, shell) => {
  /** What the loader says to a whole stream, until it ends by itself. */
  async function feed(...frames: (string | Buffer)[]): Promise<string> {
    const channel = openLocalChannel({ shell });
    let out = '';
    channel.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    channel.stderr.resume();
    channel.stdin.on('error', () => {});
    channel.stdin.write(`${composeLoader('ab'.repeat(16))}\n`);
    for (const frame of frames) channel.stdin.write(frame);
    channel.stdin.end();
    await channel.ended;
    return out;
  }

  it('never takes the bytes of an input for a header, even when its program has broken off', async () => {
    const canary = join(folder, 'canary');
    // Records that are whole frames, so placed that one begins wherever a copy in blocks can stop.
    const size = 512;
    const record = (length: number): string => {
      const script = `: >${canary};#`.padEnd(length, 'x');
      const digest = createHash('sha256').update(script).digest('hex');
      const framed = `H ${length} ${digest} \n${script}`;
      return framed.length === size ? framed : record(length - 1);
    };
    const forged = Buffer.from(record(size).repeat(4096));
    await feed(frameProgram('exec 3<&-; exit 1', 5000), inputHeader(forged.length), forged, PROGRAM_END);
    expect(existsSync(canary)).toBe(false);
    // The same frame in its place is taken.
    await feed(frameHeartbeat(`: >${canary}`));
    expect(existsSync(canary)).toBe(true);
  });

  it('runs nothing after a header that it does not know', async () => {
    const program = frameProgram('echo ran', 5000);
    expect(await feed(program, PROGRAM_END, program)).toMatch(/ran\n.*ran\n/s);
    expect(await feed('Z 1 2 3\n', program)).not.toContain('ran\n');
    expect(await feed(program, 'Z\n', PROGRAM_END, program)).toMatch(/^(?!.*ran\n.*ran\n).*ran\n/s);
  });

  it('runs no half of a program when the stream ends', async () => {
    const program = frameProgram('echo ran; echo more', 5000);
    expect(await feed(program.slice(0, -6))).not.toContain('ran\n');
  });

  it('leaves no watch behind, however soon its programs end', async () => {
    // A number of seconds that no other process sleeps for.
    const seconds = 1_000_000 + process.pid;
    const program = frameProgram(':', (seconds - GRACE_SECONDS) * 1000);
    const out = await feed(...Array.from({ length: 300 }, () => [program, PROGRAM_END]).flat());
    expect(out.match(/ done 0$/gm)).toHaveLength(300);
    const left = readdirSync('/proc').filter((pid) => commandLine(pid) === `sleep\0${seconds}\0`);
    for (const pid of left) process.kill(Number(pid));
    expect(left).toEqual([]);
  });
});
