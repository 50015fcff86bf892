// From a host's answers to what was seen there. An answer that is missing (the host hung before it) leaves its field out.
import type {
  SeenCertificate,
  SeenData,
  SeenHash,
  SeenHost,
  SeenMember,
  SeenRuntime,
} from '../../etcd/diagnosis/seen.ts';
import { fieldsOf } from '../../etcd/json.ts';
import { parseLedger } from '../../etcd/ledger.ts';
import { parseMemberList } from '../../etcd/members.ts';
import { parseEndpointStatus } from '../../etcd/status.ts';
import { readCertificates } from '../../pki/certificate.ts';
import type { Answer } from '../../shell/program.ts';
import { partId, type StatusPaths } from './program.ts';

/** When the program was sent, and when its part `clock` was answered. Milliseconds on the controller's clock. */
export interface Moments {
  sent: number;
  answered: number;
}

type Told = Omit<SeenHost, 'host' | 'declared' | 'failure' | 'hash' | 'lacks'>;

export function parseStatus(answers: readonly Answer[], paths: StatusPaths, moments: Moments | undefined): Told {
  const by = new Map(answers.map((answer) => [answer.id, answer]));
  const told: Told = {};
  const take = (id: string, parse: (answer: Answer, text: string) => Partial<Told>) => {
    const answer = by.get(id === 'clock' ? id : partId(id, paths));
    if (answer?.state === 'ran') Object.assign(told, parse(answer, textOf(answer)));
  };
  take('clock', (_answer, text) => parseClock(text, moments));
  take('processes', (_answer, text) => ({ processes: parseProcesses(text) }));
  take('runtime', (_answer, text) => ({ runtime: parseRuntime(text, paths) }));
  take('member', (answer, text) => ({ member: parseMember(answer, text) }));
  take('list', (_answer, text) => {
    const list = parseMemberList(text);
    return list ? { list } : {};
  });
  take('certificates', (_answer, text) => ({ certificates: parseFiles(text) }));
  take('ledger', (_answer, text) => (text === '' ? {} : { ledger: parseLedger(text) }));
  take('restores', (_answer, text) => {
    const restores = linesOf(text).flatMap((line) => /^open ([0-9A-Za-z-]+)$/.exec(line)?.[1] ?? []);
    return restores.length > 0 ? { restores } : {};
  });
  take('data', (_answer, text) => ({ data: parseData(text) }));
  return told;
}

function textOf(answer: Answer): string {
  return new TextDecoder().decode(answer.stdout);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The host read its clock somewhere between the two moments; a `date` without nanoseconds adds up to a second. */
function parseClock(text: string, moments: Moments | undefined): Partial<Told> {
  const [, seconds, fraction] = /^(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (seconds === undefined || !moments) return {};
  const exact = fraction === undefined ? 500 : Number(`0.${fraction}`) * 1000;
  return {
    clock: {
      offset: Math.round(Number(seconds) * 1000 + exact - (moments.sent + moments.answered) / 2),
      uncertainty: Math.round((moments.answered - moments.sent) / 2 + (fraction === undefined ? 500 : 0)),
    },
  };
}

function parseProcesses(text: string): { pid: number; state: string }[] {
  return [...text.matchAll(/^(\d{1,9}) ([A-Za-z])$/gm)].map(([, pid, state]) => ({ pid: Number(pid), state: state! }));
}

function parseRuntime(text: string, { runtime, manifestDir, service }: StatusPaths): SeenRuntime {
  const lines = linesOf(text);
  const value = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  if (runtime === 'static_pod') {
    const manifest = `${manifestDir}/${service}.yaml`;
    return { kind: 'static_pod', manifest, present: lines.includes('present'), kubelet: value('kubelet') || 'unknown' };
  }
  return {
    kind: 'systemd',
    loaded: value('LoadState') === 'loaded',
    active: value('ActiveState'),
    sub: value('SubState'),
    result: value('Result'),
    restarts: Number(/^\d{1,9}$/.exec(value('NRestarts'))?.[0] ?? 0),
  };
}

function parseMember(answer: Answer, text: string): SeenMember {
  const [first = '', ...rest] = text.split('\n');
  if (first === 'closed') return { state: 'closed' };
  if (first.startsWith('missing ')) {
    const missing = first.slice('missing '.length);
    return { state: 'unasked', missing, kind: missing === 'etcdctl' ? 'etcdctl' : 'file' };
  }
  const status = parseEndpointStatus(rest.join('\n'));
  return status ? { state: 'answered', status } : { state: 'silent', said: lastWords(answer) };
}

/** Of etcdctl's log and its own message the message; its log names TLS faults that the message hides. */
function lastWords({ stderr, status }: Answer): string {
  const lines = linesOf(stderr);
  const message = lines.filter((line) => !line.startsWith('{')).at(-1);
  const tls = /(?:tls|x509): [^"\\]+/.exec(stderr)?.[0];
  return [message ?? `etcdctl ended with status ${status}`, ...(tls === undefined ? [] : [tls])].join(': ');
}

function parseFiles(text: string): SeenCertificate[] {
  const files: { file: string; pem?: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('= ')) files.push({ file: line.slice(2), pem: [] });
    else if (line.startsWith('- ')) files.push({ file: line.slice(2) });
    else files.at(-1)?.pem?.push(line);
  }
  return files.map(({ file, pem }) => {
    if (!pem) return { file, state: 'missing' };
    const certificates = readCertificates(pem.join('\n'));
    return certificates?.length ? { file, state: 'read', certificates } : { file, state: 'unreadable' };
  });
}

function parseData(text: string): SeenData {
  const lines = linesOf(text);
  const number = (name: string) => {
    const word = lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1];
    return word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  };
  const free = number('free');
  const size = number('size');
  return {
    member: lines.includes('member'),
    ...(free === undefined ? {} : { free: free * 1024 }),
    ...(size === undefined ? {} : { size }),
  };
}

/** `etcdctl endpoint hashkv -w json`; its key is `Hash` in some versions of etcdctl and `HashKV` in others. */
export function parseHash(answer: Answer | undefined, revision: number): SeenHash | undefined {
  if (answer?.state !== 'ran' || answer.status !== 0) return undefined;
  try {
    const [entry] = JSON.parse(textOf(answer)) as unknown[];
    const fields = fieldsOf(entry);
    const hash = fieldsOf(fields?.HashKV ?? fields?.Hash);
    if (typeof hash?.hash !== 'number') return undefined;
    const compactRevision = typeof hash.compact_revision === 'number' ? hash.compact_revision : 0;
    return { revision, compactRevision, hash: hash.hash };
  } catch {
    return undefined;
  }
}

/** The revision is in the member's future. Source: ErrGRPCFutureRev of etcd's rpctypes. */
export function lacksRevision(answer: Answer | undefined): boolean {
  return answer?.state === 'ran' && answer.stderr.includes('required revision is a future revision');
}
