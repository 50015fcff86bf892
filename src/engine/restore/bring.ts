// What a restore needs on every host: its record, the snapshot and its receipt. Nothing that runs is touched by it.

import { receiptName } from '../../etcd/snapshot/name.ts';
import type { Receipt } from '../../etcd/snapshot/receipt.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import { quote } from '../../shell/quote.ts';
import { openHostDirectory } from '../../storage/host.ts';
import type { ApplySession } from '../../transport/session.ts';
import { inParallel } from '../connections.ts';
import type { LiveContext } from '../context.ts';
import { formatReceipt } from '../snapshot/receipt-file.ts';
import {
  directoryOf,
  formatRecord,
  RECORD,
  type RELEASED,
  type RestoreEnd,
  type RestoreRecord,
  SNAPSHOT,
} from './record.ts';

const LIMIT_MS = 120_000;

export interface BringOptions {
  record: RestoreRecord;
  receipt: Receipt | undefined;
  /** On this machine. */
  path: string;
  hosts: readonly string[];
  onProgress(host: string, done: number, total: number): void;
}

/** The snapshot first, the record last: where a record is, all is there. A host that has the file already keeps it. */
export async function bringToHosts(live: LiveContext, options: BringOptions): Promise<Failure[]> {
  const { record, receipt, path, hosts } = options;
  const failures: Failure[] = [];
  await inParallel(hosts, live.parallel, async (host) => {
    const session = live.connections.sessions.get(host)!;
    const directory = directoryOf(record.run);
    const place = openHostDirectory({ session, directory, signal: live.kill });
    const there = await has(live, session, record);
    if (!there.ok) return void failures.push(...there.failures);
    if (!there.value) {
      const sent = await place.put(SNAPSHOT, path, {
        signal: live.kill,
        onProgress: (done, total) => options.onProgress(host, done, total),
      });
      if (!sent.ok) return void failures.push(...sent.failures);
    }
    const files = [
      ...(receipt ? [{ name: receiptName(SNAPSHOT), text: formatReceipt(receipt) }] : []),
      { name: RECORD, text: formatRecord(record) },
    ];
    failures.push(...(await writeFiles(live, session, record.run, files)));
  });
  return failures;
}

/** Before there is a snapshot, and when it is known. */
export async function writeRecord(
  live: LiveContext,
  record: RestoreRecord,
  hosts: readonly string[],
): Promise<Failure[]> {
  const failures: Failure[] = [];
  await inParallel(hosts, live.parallel, async (host) => {
    const session = live.connections.sessions.get(host)!;
    failures.push(...(await writeFiles(live, session, record.run, [{ name: RECORD, text: formatRecord(record) }])));
  });
  return failures;
}

/** Whether the host has the snapshot, whole. What is not is moved aside by name. */
async function has(live: LiveContext, session: ApplySession, record: RestoreRecord): Promise<Attempt<boolean>> {
  const file = quote(`${directoryOf(record.run)}/${SNAPSHOT}`);
  const script = `[ -f ${file} ] || { echo no; exit 0; }
case $(sha256sum <${file}) in ${record.sha256}' '*) echo yes ;; *) mv -f ${file} ${file}.damaged && echo no ;; esac`;
  const said = await run(live, session, script);
  return said.ok ? succeed(said.value.trim() === 'yes') : said;
}

/** Small files of root's alone, each whole or not there. */
async function writeFiles(
  live: LiveContext,
  session: ApplySession,
  name: string,
  files: readonly { name: string; text: string }[],
): Promise<Failure[]> {
  const directory = directoryOf(name);
  const script = files.map(({ name: file, text }) => {
    const path = quote(`${directory}/${file}`);
    return `printf '%s\\n' ${quote(text.trimEnd())} >${path}.part && sync ${path}.part && mv -f ${path}.part ${path} || exit`;
  });
  const written = await run(
    live,
    session,
    `umask 077; mkdir -p ${quote(directory)} || exit\n${script.join('\n')}\nsync ${quote(directory)}`,
  );
  return written.ok ? [] : written.failures;
}

/** How far it has come, for whoever goes on with it or takes it back. */
export async function mark(
  live: LiveContext,
  name: string,
  as: RestoreEnd | typeof RELEASED,
  hosts: readonly string[],
): Promise<Failure[]> {
  const failures: Failure[] = [];
  await inParallel(hosts, live.parallel, async (host) => {
    const session = live.connections.sessions.get(host)!;
    failures.push(...(await writeFiles(live, session, name, [{ name: as, text: new Date().toISOString() }])));
  });
  return failures;
}

async function run(live: LiveContext, session: ApplySession, script: string): Promise<Attempt<string>> {
  const { answers, failure } = await session.write(
    { kind: 'write', parts: [{ id: 'restore', script }] },
    { signal: live.kill, limitMs: LIMIT_MS },
  );
  if (failure) return fail(failure);
  const { status, stdout, stderr } = answers[0]!;
  if (status === 0) return succeed(stdout.toString());
  return fail({
    reason: 'script',
    host: session.host,
    message: `what the restore needs is not there: ${stderr.trim()}`,
  });
}
