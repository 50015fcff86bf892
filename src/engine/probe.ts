// The read-only program of a host: its facts, its member, and everything that its resources want to know of it.
import type { MemberStatus } from '../etcd/status.ts';
import { parseEndpointStatus } from '../etcd/status.ts';
import type { Failure } from '../failure.ts';
import { CONTENT_FUNCTION, ENTRY_FUNCTIONS } from '../modules/file/entry.sh.ts';
import { canBeLookedUp, lookUp, parseContents, type WantedPath } from '../modules/file/look-up.sh.ts';
import type { AnyModule, Reading } from '../modules/module.ts';
import type { Answer, Part } from '../shell/program.ts';
import { quote } from '../shell/quote.ts';
import type { Declaration } from '../states/declaration.ts';
import type { ValueMap } from '../value.ts';
import { type Asked, FACTS_SCRIPT, parseClock, parseFacts } from './facts.ts';
import { type GuardSighting, parseGuard } from './guard.ts';
import { PENDING_SCRIPT, parsePending } from './host-prelude.ts';
import { type LockAnswer, parseLockAnswer } from './lock.ts';

/** What a host said in one probe. */
export interface Probe {
  host: string;
  facts: ValueMap;
  /** Reactions that an earlier run recorded and did not finish: see `pendingName`. */
  pending: Set<string>;
  /** What was seen of the host's members, by cluster. */
  members: Map<string, SeenMember>;
  /** Between these two its clock is ahead of the controller's. Milliseconds. */
  clock?: { atLeast: number; atMost: number };
  lock?: LockAnswer;
  /** By declaration id. */
  sightings: Map<string, Sighting>;
}

/** One member of a host. */
export interface SeenMember {
  status?: MemberStatus;
  guard?: GuardSighting;
  /** `facts.etcd` for the templates of its resources: see `withEtcdFacts`. */
  facts?: ValueMap;
}

/** The facts as the resources of one of the host's clusters see them. */
export function factsFor({ facts, members }: Probe, cluster: string | undefined): ValueMap {
  const etcd = cluster === undefined ? undefined : members.get(cluster)?.facts;
  return etcd === undefined ? facts : { ...facts, etcd };
}

export type Sighting =
  | { kind: 'read'; reading: Reading }
  /** `onlyif` or `unless` says that the resource is not for this host. */
  | { kind: 'not-applicable'; because: string }
  | { kind: 'failed'; failure: Failure };

export interface ProbeWish {
  declarations: Iterable<Declaration>;
  /** One for each cluster of the host. */
  members?: readonly MemberWish[];
  /** See src/engine/lock.ts; absent in a plan, which changes nothing. */
  lock?: string | undefined;
}

/** What is asked of one member of a host. */
interface MemberWish {
  cluster: string;
  /** See src/engine/member.ts; absent where the pillar does not say where etcd is. */
  status: string | undefined;
  /** See src/engine/guard.ts; absent: nothing needs to know. */
  guard?: string | undefined;
}

/** A promised read-only command may take this long. Seconds. */
const COMMAND_SECONDS = 10;

export function probeParts(wish: ProbeWish): Part[] {
  const parts: Part[] = [];
  // Who takes the lock may leave notes for the next probe (src/modules/remembered.sh.ts).
  if (wish.lock !== undefined)
    parts.push({ id: 'lock', script: wish.lock }, { id: 'notes', script: 'q_locking=y', shared: true });
  parts.push(
    { id: 'facts', script: FACTS_SCRIPT, shared: true },
    { id: 'pending', script: PENDING_SCRIPT, shared: true },
  );
  for (const { cluster, status, guard } of wish.members ?? []) {
    if (status !== undefined) parts.push({ id: `member ${cluster}`, script: status });
    if (guard !== undefined) parts.push({ id: `guard ${cluster}`, script: guard });
  }
  const declarations = [...wish.declarations];
  const paths = declarations.flatMap(pathsOf);
  if (paths.length > 0) parts.push({ id: 'paths', script: lookUp(paths), shared: true });
  let position = 0;
  for (const declaration of declarations) {
    const applies = appliesScript(declaration);
    if (applies !== undefined) parts.push({ id: `applies ${declaration.id}`, script: applies });
    const places = pathsOf(declaration).map(() => position++);
    const at = places.length > 0 ? `q_at='${places.join(' ')}'\n` : '';
    const { module, identity } = declaration;
    const read = module.read(identity);
    const script = at + (paths.length > 0 ? withoutFunctions(read) : read);
    parts.push({ id: `read ${declaration.id}`, script, ...(module.shared ? { shared: true } : {}) });
  }
  return parts;
}

/** What the look-up has brought need not be sent with each. */
function withoutFunctions(script: string): string {
  return script.replace(`${ENTRY_FUNCTIONS}\n`, '').replace(`${CONTENT_FUNCTION}\n`, '');
}

function pathsOf({ module, identity }: Declaration): WantedPath[] {
  const contents = new Set(module.contents?.(identity));
  return (module.paths?.(identity) ?? []).filter(canBeLookedUp).map((path) => ({ path, content: contents.has(path) }));
}

function appliesScript({ onlyif, unless }: Declaration): string | undefined {
  if (onlyif.length + unless.length === 0) return undefined;
  const ask = (command: string) => `timeout ${COMMAND_SECONDS} sh -c ${quote(command)} </dev/null >/dev/null 2>&1`;
  return [
    ...onlyif.map((command) => `${ask(command)} || { printf %s ${quote(`onlyif: ${command}`)}; exit 0; }`),
    ...unless.map((command) => `! ${ask(command)} || { printf %s ${quote(`unless: ${command}`)}; exit 0; }`),
  ].join('\n');
}

/** `asked`: between when and when the host said what time it is. */
export function parseProbe(host: string, answers: Answer[], asked?: Asked): Probe {
  const by = new Map(answers.map((answer) => [answer.id, answer]));
  const lock = by.get('lock');
  const clock = asked && parseClock(by.get('facts')?.stdout ?? new Uint8Array(), asked);
  return {
    host,
    facts: parseFacts(by.get('facts')?.stdout ?? new Uint8Array()),
    pending: parsePending(by.get('pending')?.stdout ?? new Uint8Array()),
    members: parseMembers(answers),
    ...(clock ? { clock } : {}),
    ...(lock ? { lock: parseLockAnswer(lock.stdout) } : {}),
    sightings: parseSightings(host, answers),
  };
}

function parseMembers(answers: Answer[]): Map<string, SeenMember> {
  const members = new Map<string, SeenMember>();
  const add = (cluster: string, seen: SeenMember) => members.set(cluster, { ...members.get(cluster), ...seen });
  for (const answer of answers) {
    const [kind, cluster] = splitId(answer.id);
    if (kind === 'member') {
      const status = parseEndpointStatus(new TextDecoder().decode(answer.stdout));
      if (status) add(cluster, { status });
    } else if (kind === 'guard') {
      const guard = answer.status === 0 ? parseGuard(answer.stdout) : undefined;
      if (guard) add(cluster, { guard });
    }
  }
  return members;
}

function parseSightings(host: string, answers: Answer[]): Map<string, Sighting> {
  const sightings = new Map<string, Sighting>();
  const contents = parseContents(answers.find(({ id }) => id === 'paths')?.stdout ?? new Uint8Array());
  for (const answer of answers) {
    const [kind, resource] = splitId(answer.id);
    if (kind === 'applies') {
      const because = new TextDecoder().decode(answer.stdout);
      if (because !== '') sightings.set(resource, { kind: 'not-applicable', because });
    } else if (kind === 'read' && !sightings.has(resource)) {
      sightings.set(resource, sightingOf(host, resource, answer, contents));
    }
  }
  return sightings;
}

function sightingOf(host: string, resource: string, answer: Answer, contents: Reading['contents']): Sighting {
  if (answer.truncated) {
    return {
      kind: 'failed',
      failure: {
        reason: 'protocol',
        host,
        resource,
        message: 'reading printed more than the limit allows',
        next: 'look at what the resource names on the host; it is larger than a managed thing should be',
      },
    };
  }
  if (answer.status !== 0) {
    return {
      kind: 'failed',
      failure: {
        reason: 'script',
        host,
        resource,
        message: `it could not be read: ${answer.stderr.trim() || `the reading ended with status ${answer.status}`}`,
        next: 'mend the cause on the host, then run again',
      },
    };
  }
  return { kind: 'read', reading: { ...readingOf(answer), ...(contents?.size ? { contents } : {}) } };
}

export function readingOf(answer: Answer): Reading {
  return { status: answer.status, stdout: answer.stdout, stderr: answer.stderr };
}

function splitId(id: string): [kind: string, resource: string] {
  const at = id.indexOf(' ');
  return at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)];
}

/** A module throws at what it did not print; a host's odd answer is a result, not a crash. */
export function parseReading(module: AnyModule, reading: Reading): unknown {
  try {
    return module.parse(reading);
  } catch {
    return undefined;
  }
}
