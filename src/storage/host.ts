// A directory of a host, over the project's own connection: files travel in pieces, each in a program of its own.
import { open, stat } from 'node:fs/promises';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Input } from '../shell/program.ts';
import { quote } from '../shell/quote.ts';
import type { ApplySession } from '../transport/session.ts';
import { alreadyThere, type Place, type StoredFile, storageFailure } from './place.ts';

/** Below what a session keeps of one program's output, and whole blocks of {@link BLOCK_BYTES}. */
const PIECE_BYTES = 2 * 1024 * 1024;
const BLOCK_BYTES = 65_536;
/** One piece, also over a slow line. Milliseconds. */
const PIECE_LIMIT_MS = 120_000;

export interface HostPlaceOptions {
  session: ApplySession;
  directory: string;
  signal: AbortSignal;
  /** Whoever opened it takes away what is left there when the connection ends. */
  cleaned?: true;
}

export function openHostDirectory({ session, directory, signal, cleaned }: HostPlaceOptions): Place {
  const url = `host://${session.host}${directory}`;
  const at = (name: string) => quote(`${directory}/${name}`);
  const failed = (why: string): { ok: false; failures: Failure[] } =>
    fail({ ...storageFailure(url, why), host: session.host });

  async function run(
    script: string,
    kind: 'read' | 'write',
    inputs: Input[] = [],
    stop = signal,
  ): Promise<Attempt<Ran>> {
    const part = { id: 'storage', script, inputs };
    const options = { signal: AbortSignal.any([signal, stop]), limitMs: PIECE_LIMIT_MS };
    const { answers, failure } =
      kind === 'read'
        ? await session.read({ kind, parts: [{ id: part.id, script }] }, options)
        : await session.write({ kind, parts: [part] }, options);
    if (failure) return fail(failure);
    const { state, status, stdout, stderr } = answers[0]!;
    if (state !== 'ran') return failed(stderr.trim() || 'what was sent did not arrive');
    return succeed({ status, stdout, stderr: stderr.trim() });
  }

  async function list(pattern: string): Promise<Attempt<StoredFile[]>> {
    const script = `cd ${quote(directory)} 2>/dev/null || { [ ! -e ${quote(directory)} ] && exit 0; exit 1; }
for q_name in ${pattern}; do [ ! -f "$q_name" ] || stat -c '%s %Y %n' -- "$q_name" || exit 1; done`;
    const ran = await run(script, 'read');
    if (!ran.ok) return ran;
    if (ran.value.status !== 0) return failed(ran.value.stderr || 'it cannot be read');
    const lines = ran.value.stdout.toString().split('\n').filter(Boolean);
    return succeed(
      lines.flatMap((line) => {
        const [, size, seconds, name] = /^(\d+) (\d+) ([\w.-]+)$/.exec(line) ?? [];
        return name === undefined ? [] : [{ name, size: Number(size), time: new Date(Number(seconds) * 1000) }];
      }),
    );
  }

  async function head(name: string): Promise<Attempt<StoredFile | undefined>> {
    const found = await list(quote(name));
    return found.ok ? succeed(found.value[0]) : found;
  }

  return {
    url,
    list: () => list('*'),
    head,
    async put(name, file, options = {}) {
      const part = `.${name}.part`;
      const begun = await run(
        `umask 077; mkdir -p ${quote(directory)} && [ ! -e ${at(name)} ] || exit 3; : >${at(part)} && chmod 600 ${at(part)}`,
        'write',
      );
      if (!begun.ok) return begun;
      if (begun.value.status === 3 && begun.value.stderr === '') return fail(alreadyThere(url, name));
      if (begun.value.status !== 0) return failed(begun.value.stderr);
      // Also when this controller dies: the host takes away what is not whole.
      if (!cleaned) session.atExit(`rm -f ${at(part)}`);
      const { createHash } = await import('node:crypto');
      const hash = createHash('sha256');
      const { size } = await stat(file);
      const handle = await open(file, 'r');
      // One for all pieces: V8 lets tens of megabytes of dead ones lie about.
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      try {
        for (let done = 0; done < size; ) {
          const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, done);
          if (bytesRead === 0) return failed(`${file} was shortened while it was read`);
          const content = buffer.subarray(0, bytesRead);
          hash.update(content);
          const append = `[ "$(stat -c %s ${at(part)})" = ${done} ] && cat "$1" >>${at(part)}`;
          const ran = await run(append, 'write', [{ directory, content }], options.signal);
          if (!ran.ok) return ran;
          if (ran.value.status !== 0) return failed(ran.value.stderr || 'somebody else writes to the same file');
          done += bytesRead;
          options.onProgress?.(done, size);
        }
      } finally {
        await handle.close();
      }
      const ended = await run(
        `case $(sha256sum <${at(part)}) in ${hash.digest('hex')}' '*) ;; *) echo 'it did not arrive whole' >&2; exit 1;; esac
sync ${at(part)} 2>/dev/null || sync
ln ${at(part)} ${at(name)} 2>/dev/null || { [ -e ${at(name)} ] && exit 3; ln ${at(part)} ${at(name)} || exit 1; }
rm -f ${at(part)}`,
        'write',
      );
      if (!ended.ok) return ended;
      if (ended.value.status === 3) return fail(alreadyThere(url, name));
      return ended.value.status === 0 ? succeed(undefined) : failed(ended.value.stderr);
    },
    async get(name, take, options = {}) {
      const found = await head(name);
      if (!found.ok) return found;
      if (!found.value) return failed(`there is no ${name}`);
      const { size } = found.value;
      for (let done = 0; done < size; ) {
        const script = `dd if=${at(name)} bs=${BLOCK_BYTES} skip=${done / BLOCK_BYTES} count=${PIECE_BYTES / BLOCK_BYTES} 2>/dev/null`;
        const ran = await run(script, 'read', [], options.signal);
        if (!ran.ok) return ran;
        const { status, stdout } = ran.value;
        const expected = Math.min(PIECE_BYTES, size - done);
        if (status !== 0 || stdout.length !== expected) return failed(`${name} could not be read at byte ${done}`);
        await take(stdout);
        done += stdout.length;
        options.onProgress?.(done, size);
      }
      return succeed(undefined);
    },
    async remove(name) {
      const ran = await run(`rm -f ${at(name)}`, 'write');
      if (!ran.ok) return ran;
      return ran.value.status === 0 ? succeed(undefined) : failed(ran.value.stderr);
    },
    close: () => session.close(),
  };
}

interface Ran {
  status: number;
  stdout: Buffer;
  stderr: string;
}
