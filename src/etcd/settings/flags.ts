// The flags that an etcd is started with, as words of a command line or as variables, by whoever wrote them.
import { isFlag } from '../flags.ts';

/** By name, without dashes. */
export type Flags = ReadonlyMap<string, string>;

/** One flag among the words of a command line. */
export interface Argument {
  flag: string;
  value: string;
  /** The position of its first word, and how many words it is: `--name=m1` is one, `--name m1` two. */
  at: number;
  words: 1 | 2;
}

/** Go's `flag` package takes the next word for a value, except of these. Source: `server/etcdmain/config.go`, `server/embed/config.go`. */
const SWITCHES =
  /^(auto-tls|client-cert-auth|debug|enable-(v2|pprof|log-rotation|grpc-gateway|distributed-tracing)|experimental-(enable-.*|initial-corrupt-check|compact-hash-check-enabled|memory-mlock|peer-skip-client-san-verification|stop-grpc-service-on-defrag|txn-mode-write-with-shared-buffer|distributed-tracing|backend-.*-enabled)|force-new-cluster|initial-election-tick-advance|memory-mlock|peer-auto-tls|peer-client-cert-auth|peer-skip-client-san-verification|pre-vote|socket-reuse-(address|port)|strict-reconfig-check|unsafe-no-fsync|version)$/;

/** The flags among the words behind the program's name, and the words that are none. A flag given twice is there twice: the last one counts. */
export function readArguments(words: readonly string[]): { found: Argument[]; odd: string[] } {
  const found: Argument[] = [];
  const odd: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const [, flag, attached] = /^--?([A-Za-z][A-Za-z0-9-]*)(?:=([\s\S]*))?$/.exec(words[at]!) ?? [];
    if (flag === undefined) {
      odd.push(words[at]!);
      continue;
    }
    const next = words[at + 1];
    if (attached !== undefined) found.push({ flag, value: attached, at, words: 1 });
    else if (SWITCHES.test(flag) || next === undefined) found.push({ flag, value: 'true', at, words: 1 });
    else {
      found.push({ flag, value: next, at, words: 2 });
      at += 1;
    }
  }
  return { found, odd };
}

/** The flag that a variable of the environment stands for (`ETCD_DATA_DIR`), if it stands for one. */
export function flagOfVariable(name: string): string | undefined {
  if (!/^ETCD_[A-Z0-9_]+$/.test(name)) return undefined;
  const flag = name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-');
  return isFlag(flag) ? flag : undefined;
}

export function variableOfFlag(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** What etcd does without the flag, for those that the pillar has keys for. Source: `server/embed/config.go`, `NewConfig`. */
export function defaultOf(flag: string, version: string | undefined): string | undefined {
  switch (flag) {
    case 'name':
      return 'default';
    case 'heartbeat-interval':
      return '100';
    case 'election-timeout':
      return '1000';
    case 'quota-backend-bytes':
      return String(DEFAULT_QUOTA);
    case 'snapshot-count':
      return version !== undefined && /^(\d{2,}|[4-9]|3\.([6-9]|\d{2,}))(\.|$)/.test(version) ? '10000' : '100000';
    case 'client-cert-auth':
    case 'peer-client-cert-auth':
      return 'false';
    default:
      return undefined;
  }
}

/** Of quota-backend-bytes: `server/storage/quota.go`, DefaultQuotaBytes. */
const DEFAULT_QUOTA = 2 * 1024 ** 3;

/** Equal texts do the same: Go reads more than one spelling of a boolean, and a quota of 0 is etcd's default. */
export function normalizeValue(flag: string, value: string): string {
  if (flag === 'quota-backend-bytes' && /^0+$/.test(value)) return String(DEFAULT_QUOTA);
  if (!SWITCHES.test(flag)) return value;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return 'true';
  return /^(0|f|F|false|FALSE|False)$/.test(value) ? 'false' : value;
}
