// One member's snapshot, from its host to this controller while it is being made there.
import { type Attempt, fail, succeed } from '../../failure.ts';
import { quote } from '../../shell/quote.ts';
import type { ApplySession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { HOST_HOME } from '../places.ts';
import { claimFolder } from './private-folder.sh.ts';
import { etcdctlScript } from './survey.ts';

export interface TakeOptions {
  session: ApplySession;
  pillar: ValueMap;
  run: string;
  signal: AbortSignal;
  /** For etcdctl to have all of it. */
  limitSeconds: number;
  /** What the member's database takes now: more than its snapshot will. Bytes. */
  expected: number;
  /** etcd's own version: etcdctl must be of the same minor. */
  version: string;
  take(chunk: Uint8Array): Promise<void>;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const FOLDER = `${HOST_HOME}/snapshots`;
const BLOCK_BYTES = 65_536;
/** With its first line below what a session keeps of one program's output. */
const BLOCKS = 32;
const PIECE_LIMIT_MS = 120_000;
const MARGIN = 1.1;

/** The host keeps the file in a directory of root's alone, which goes when the connection does, for whatever reason. */
export async function takeSnapshot(options: TakeOptions): Promise<Attempt<undefined>> {
  const { session, run, signal, limitSeconds } = options;
  const folder = `${FOLDER}/${run}`;
  const limits = { signal, limitMs: PIECE_LIMIT_MS };
  session.atExit(endScript(folder));
  const begun = await session.write(
    { kind: 'write', parts: [{ id: 'snapshot', script: beginScript(options, folder) }] },
    limits,
  );
  if (begun.failure) return fail(begun.failure);
  const { status, stderr } = begun.answers[0]!;
  if (status !== 0) return fail(explainBegin(session.host, status, stderr.trim(), options));

  const until = performance.now() + (limitSeconds + 10) * 1000;
  for (let done = 0; ; ) {
    const script = readScript(folder, done / BLOCK_BYTES);
    const { answers, failure } = await session.read({ kind: 'read', parts: [{ id: 'snapshot', script }] }, limits);
    if (failure) return fail(failure);
    const { stdout: output } = answers[0]!;
    const line = output.indexOf('\n');
    const [state, exit, size] = output.toString('latin1', 0, line).split(' ');
    if (state === 'ended' && exit !== '0')
      return fail(explainEnd(session.host, output.subarray(line + 1).toString(), options));
    const bytes = output.subarray(line + 1);
    if (bytes.length > 0) await options.take(bytes);
    done += bytes.length;
    const total = state === 'ended' ? Number(size) : Math.max(options.expected, done);
    options.onProgress?.(done, total);
    if (state === 'ended' && done === total) break;
    const stuck = state === 'ended' ? bytes.length === 0 : performance.now() > until;
    if (stuck || line < 0) return fail(explainEnd(session.host, 'the file cannot be read to its end', options));
  }
  const ended = await session.write({ kind: 'write', parts: [{ id: 'clean', script: endScript(folder) }] }, limits);
  return ended.failure ? fail(ended.failure) : succeed(undefined);
}

function beginScript({ pillar, run, limitSeconds, expected, version }: TakeOptions, folder: string): string {
  const [major, minor] = version.split('.');
  return `
${etcdctlScript(pillar)}
q_version=$("$q_ctl" version 2>/dev/null | sed -n 's/^etcdctl version: *//p')
case $q_version in ${quote(`${major}.${minor}`)}.*) ;; *) printf '%s\\n' "$q_version" >&2; exit 4;; esac
${claimFolder(FOLDER, run)}
q_free=$(df -Pk ${quote(FOLDER)} | awk 'NR == 2 { print $4 }')
if [ "$q_free" -lt ${Math.ceil((expected * MARGIN) / 1024)} ]; then rm -rf ${quote(folder)}; echo "$q_free" >&2; exit 3; fi
cd ${quote(folder)} || exit 1
( ( q_exec=exec; q_etcdctl ${limitSeconds} "$q_own" snapshot save ${quote(`${folder}/snapshot.db`)} >log 2>&1 ) & echo $! >pid
  wait "$!"; echo "$?" >status.new; mv status.new status ) </dev/null >/dev/null 2>&1 &`;
}

/** Prints `running|ended EXIT SIZE`, a newline and the file from that block on; where etcdctl failed, what it said. */
function readScript(folder: string, block: number): string {
  return `
cd ${quote(folder)} || exit 1
q_file=snapshot.db; q_try=0
while :; do
  q_status=; [ ! -e status ] || read -r q_status <status
  [ -e "$q_file" ] || q_file=snapshot.db.part
  q_size=$(stat -c %s "$q_file" 2>/dev/null) || { q_file=snapshot.db; q_size=0; [ ! -e "$q_file" ] || continue; }
  q_count=$(( q_size / ${BLOCK_BYTES} - ${block} ))
  [ -z "$q_status" ] && [ "$q_count" -le 0 ] && [ "$q_try" -lt 10 ] || break
  q_try=$((q_try + 1)); q_file=snapshot.db; sleep 0.1 2>/dev/null || sleep 1
done
if [ -z "$q_status" ]; then
  echo "running - $q_size"
  [ "$q_count" -le ${BLOCKS} ] || q_count=${BLOCKS}
  [ "$q_count" -le 0 ] || dd if="$q_file" bs=${BLOCK_BYTES} skip=${block} count="$q_count" 2>/dev/null
elif [ "$q_status" != 0 ]; then
  echo "ended $q_status 0"; tail -n 5 log
else
  echo "ended 0 $q_size"; dd if="$q_file" bs=${BLOCK_BYTES} skip=${block} count=${BLOCKS} 2>/dev/null
fi`;
}

function endScript(folder: string): string {
  return `if read -r q_pid <${quote(`${folder}/pid`)}; then kill "$q_pid"; fi 2>/dev/null; rm -rf ${quote(folder)}`;
}

function explainBegin(host: string, status: number, said: string, { expected, version }: TakeOptions) {
  const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  if (status === 3) {
    const free = mib(Number(said.split('\n').at(-1)) * 1024);
    const message = `${FOLDER} has ${free} free, and the database is ${mib(expected)} large`;
    return {
      reason: 'guard',
      host,
      message,
      next: 'make room there, or mount a larger disk on that directory',
    } as const;
  }
  if (status === 4) {
    const message = `etcd is ${version}, and the etcdctl that was found is ${said || 'of no known version'}`;
    return { reason: 'guard', host, message, next: 'put etcdctl of the same minor version into etcd_bin_dir' } as const;
  }
  return { reason: 'script', host, message: said || `the snapshot could not be begun (status ${status})` } as const;
}

function explainEnd(host: string, said: string, { limitSeconds }: TakeOptions) {
  const message = `etcdctl snapshot save failed: ${said.trim() || 'it said nothing'}`;
  const next = `see that the member serves (\`etcdctl endpoint health\` there); it had ${limitSeconds} s (--save-limit)`;
  return { reason: 'script', host, message, next } as const;
}
