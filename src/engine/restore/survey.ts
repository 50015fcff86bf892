// What the hosts say before a restore is begun, gone on with or taken back: which restores they know, what they have for one.
import { ETCD_PIDS } from '../../etcd/etcdctl.sh.ts';
import { READ_FLAT } from '../../etcd/flat.sh.ts';
import { FIND_PROGRAM, type Program, parsePrograms } from '../../etcd/programs.sh.ts';
import type { Failure } from '../../failure.ts';
import { quote } from '../../shell/quote.ts';
import type { ReadSession } from '../../transport/session.ts';
import type { ValueMap } from '../../value.ts';
import { inParallel } from '../connections.ts';
import type { LiveContext } from '../context.ts';
import {
  ENDS,
  parseRecord,
  RECORD,
  RELEASED,
  RESTORES,
  type RestoreEnd,
  type RestoreRecord,
  SNAPSHOT,
} from './record.ts';

export interface KnownRestore {
  /** Undefined: what stands there is no record. */
  record: RestoreRecord | undefined;
  run: string;
  /** Absent: it is not at its end. */
  end?: RestoreEnd;
  /** API servers may have started on it. */
  released: boolean;
  /** Of the snapshot that lies there, in bytes; absent: there is none. */
  size?: number;
}

export interface HostSurvey {
  restores: KnownRestore[];
  programs: Map<string, Program>;
  /** Bytes. */
  freeForData?: number;
  freeForSnapshot?: number;
  /** Whom the unit of etcd runs it as; absent: root, or there is no unit. */
  user?: string;
}

const LIMIT = `
q_limit() { q_seconds=$1; shift; if command -v timeout >/dev/null; then timeout -s KILL "$q_seconds" "$@"; else "$@"; fi; }`;

/** One thing a line: programs, `user NAME` of the unit `service`, `data KIB` and `home KIB` that are free, `restore RUN END RELEASED SIZE RECORD`. */
export function surveyScript(pillar: ValueMap, service = 'etcd'): string {
  const { etcd_bin_dir: binDir, etcd_data_dir: dataDir } = pillar as { etcd_bin_dir: string; etcd_data_dir: string };
  return `${ETCD_PIDS}${LIMIT}${FIND_PROGRAM}${READ_FLAT}
for q_name in etcd etcdctl etcdutl; do q_find_program ${quote(binDir)} "$q_name"; done
q_free() { # WORD PATH
  q_there=$2
  while [ ! -e "$q_there" ]; do q_there=\${q_there%/*}; [ -n "$q_there" ] || q_there=/; done
  df -Pk "$q_there" 2>/dev/null | { read -r q_head; read -r q_device q_blocks q_used q_free q_rest; echo "$1 $q_free"; }
}
q_user=$(systemctl show -p User --value ${quote(service)} 2>/dev/null) && [ -z "$q_user" ] || echo "user $q_user"
q_free data ${quote(dataDir)}
q_free home ${quote(RESTORES)}
for q_one in ${quote(RESTORES)}/*; do
  [ -d "$q_one" ] || continue
  q_run=\${q_one##*/} q_end=open q_size=- q_released=no
  for q_name in ${ENDS.join(' ')}; do [ ! -e "$q_one/$q_name" ] || q_end=$q_name; done
  [ ! -f "$q_one/${SNAPSHOT}" ] || q_size=$(stat -c %s "$q_one/${SNAPSHOT}")
  [ ! -e "$q_one/${RELEASED}" ] || q_released=yes
  ! q_flat "$q_one/${RECORD}" || printf 'restore %s %s %s %s %s\\n' "$q_run" "$q_end" "$q_released" "$q_size" "$q_text"
done`;
}

/** One program a host. A host that does not answer is missing, and its failure is told. */
export async function surveyHosts(
  { connections, loaded, kill, parallel }: LiveContext,
  pillar: (host: string) => ValueMap,
  service: string,
): Promise<{ hosts: Map<string, HostSurvey>; failures: Failure[] }> {
  const hosts = new Map<string, HostSurvey>();
  const failures: Failure[] = [];
  await inParallel(connections.sessions, parallel, async ([host, session]) => {
    const parts = [{ id: 'survey', script: surveyScript(pillar(host), service) }];
    const ran = await (session as ReadSession).read(
      { kind: 'read', parts },
      { signal: kill, limitMs: loaded.limits.program },
    );
    const [answer] = ran.answers;
    if (ran.failure) failures.push(ran.failure);
    else if (answer?.status !== 0) {
      const message = `it could not be asked about restores: ${answer?.stderr.trim()}`;
      failures.push({ reason: 'script', host, message });
    } else hosts.set(host, parseSurvey(answer.stdout.toString()));
  });
  return { hosts, failures };
}

export function parseSurvey(text: string): HostSurvey {
  const lines = text.split('\n');
  const free = (word: string): number | undefined => {
    const kib = lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
    return kib !== undefined && /^\d+$/.test(kib) ? Number(kib) * 1024 : undefined;
  };
  const [data, home] = [free('data'), free('home')];
  const user = /^user (.+)$/m.exec(text)?.[1];
  const restores = lines.flatMap((line): KnownRestore[] => {
    const [, run, end, released, size, record] =
      /^restore (\S+) (open|done|undone) (yes|no) (\d+|-) (.*)$/.exec(line) ?? [];
    if (run === undefined) return [];
    return [
      {
        run,
        record: parseRecord(record!),
        released: released === 'yes',
        ...(end === 'open' ? {} : { end: end as RestoreEnd }),
        ...(size === '-' ? {} : { size: Number(size) }),
      },
    ];
  });
  return {
    restores,
    programs: parsePrograms(lines),
    ...(data === undefined ? {} : { freeForData: data }),
    ...(home === undefined ? {} : { freeForSnapshot: home }),
    ...(user === undefined ? {} : { user }),
  };
}
