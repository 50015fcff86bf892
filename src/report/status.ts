// How clusters are, for somebody who has just been woken: a sentence, a row for each member, then what is wrong and what to do.

import { daysLeft } from '../etcd/diagnosis/certificates.ts';
import type { Diagnosis } from '../etcd/diagnosis/diagnose.ts';
import type { Finding } from '../etcd/diagnosis/finding.ts';
import { lagOf } from '../etcd/diagnosis/membership.ts';
import { nameOf } from '../etcd/diagnosis/service.ts';
import { formatBytes, quotaOf } from '../etcd/diagnosis/shortages.ts';
import type { Standing, Standings } from '../etcd/diagnosis/standing.ts';
import { toleranceOf } from '../etcd/quorum.ts';
import { escapeForTerminal } from './escape.ts';
import { count } from './layout.ts';
import { createPaint, type Paint, type Style } from './paint.ts';
import { type Cell, type Column, renderTable, wrap } from './table.ts';

export interface StatusOptions {
  color: boolean;
  /** Columns of the terminal. */
  width: number;
  now: Date;
  /** When each host answered; with it each row tells its age. */
  seenAt?: ReadonlyMap<string, Date>;
}

/** Without a newline at the end. */
export function renderStatus(diagnoses: readonly Diagnosis[], options: StatusOptions): string {
  return diagnoses.map((diagnosis) => renderCluster(diagnosis, options)).join('\n\n');
}

function renderCluster({ standings, findings }: Diagnosis, options: StatusOptions): string {
  const paint = createPaint(options.color);
  const columns = options.seenAt ? [...COLUMNS, AGE] : COLUMNS;
  const rows = standings.members.map((member) => renderRow(member, standings, options));
  const about = describeCluster(standings);
  return [
    ...wrap(escapeForTerminal(summarize(standings)), options.width, '').map((line) =>
      paint(HEALTH[standings.serves], line),
    ),
    ...(about === '' ? [] : [paint('dim', about)]),
    '',
    ...renderTable(columns, rows, options.width, paint),
    '',
    ...renderFindings(findings, options.width, paint),
  ].join('\n');
}

const HEALTH: Record<Standings['serves'], Style> = { yes: 'bold', no: 'red', unknown: 'yellow' };

/** `main serves: 3 voters, m2 down: quorum 2, tolerance 0`. */
export function summarize({ cluster, members, voters, healthy, quorum, serves }: Standings): string {
  const states = new Map<string, string[]>();
  for (const member of members) {
    if (!member.voter || member.state === 'serving') continue;
    const word = STATES[member.state];
    states.set(word, [...(states.get(word) ?? []), nameOf(member)]);
  }
  const others = [...states].map(([word, names]) => `${names.join(', ')} ${word}`);
  const who = `${count(voters, 'voter')}, ${others.length === 0 ? 'all healthy' : others.join(', ')}`;
  const spare = toleranceOf(voters, healthy);
  if (serves === 'yes') {
    const tolerance = spare < 0 ? 'tolerance not known' : `tolerance ${spare}`;
    return `${cluster.name} serves: ${who}: quorum ${quorum}, ${tolerance}`;
  }
  const verdict = serves === 'no' ? 'DOES NOT SERVE' : 'may not serve';
  return `${cluster.name} ${verdict}: ${who}: quorum ${quorum}, ${healthy} seen to serve`;
}

/** In the summary, after names. */
const STATES: Record<Standing['state'], string> = {
  serving: 'serving',
  leaderless: 'without a leader',
  foreign: 'in another cluster',
  down: 'down',
  silent: 'silent',
  unknown: 'not asked',
};

function describeCluster({ clusterId, members, voters, votersFrom }: Standings): string {
  const leader = members.find((member) => member.leader);
  const parts = [
    ...(clusterId === undefined ? [] : [`cluster ${clusterId}`]),
    ...(leader ? [`leader ${nameOf(leader)}`] : []),
    ...(votersFrom === 'list' || voters === 0 ? [] : ['members as declared: none could list them']),
  ];
  return escapeForTerminal(parts.join(', '));
}

const COLUMNS: readonly Column[] = [
  { title: 'HOST' },
  { title: 'MEMBER' },
  { title: 'ROLE' },
  { title: 'VERSION', keep: 5 },
  { title: 'DB' },
  { title: 'QUOTA', right: true, keep: 6 },
  { title: 'TERM', right: true, keep: 3 },
  { title: 'REVISION', right: true, keep: 2 },
  { title: 'LAG', right: true, keep: 4 },
  { title: 'CERTS', right: true },
  { title: 'FREE', right: true, keep: 1 },
];
const AGE: Column = { title: 'AGE', right: true };

function renderRow(member: Standing, standings: Standings, { now, seenAt }: StatusOptions): Cell[] {
  const { seen, status, listed } = member;
  const lag = lagOf(member, standings);
  const free = seen?.data?.free;
  const texts = [
    nameOf(member),
    status?.memberId ?? listed?.id,
    undefined,
    status?.version,
    status && formatBytes(status.dbSize),
    status && seen && `${Math.floor((status.dbSize / quotaOf(seen)) * 100)}%`,
    status && String(status.raftTerm),
    status && String(status.revision),
    lag === undefined ? undefined : String(lag),
    undefined,
    free === undefined ? undefined : formatBytes(free),
  ].map((text) => ({ text: escapeForTerminal(text ?? '-') }));
  const cells: Cell[] = texts;
  cells[2] = roleCell(member);
  cells[9] = certificateCell(member, now);
  const at = seenAt?.get(member.host ?? '');
  if (seenAt) cells.push(ageCell(at, now));
  return cells;
}

function roleCell({ state, leader, voter, status, listed }: Standing): Cell {
  const learner = status?.learner || listed?.learner;
  switch (state) {
    case 'serving':
      if (leader) return { text: 'leader', style: 'green' };
      if (learner) return { text: 'learner', style: 'cyan' };
      return voter ? { text: 'follower', style: 'green' } : { text: 'no member', style: 'yellow' };
    case 'leaderless':
      return { text: 'no leader', style: 'red' };
    case 'foreign':
      return { text: 'STRAY', style: 'red' };
    case 'down':
      return { text: 'down', style: 'red' };
    case 'silent':
      return { text: 'silent', style: 'red' };
    case 'unknown':
      return { text: 'not asked', style: 'yellow' };
  }
}

/** Days until the first of its certificates ends. */
function certificateCell({ seen }: Standing, now: Date): Cell {
  const days = (seen?.certificates ?? []).flatMap((file) => daysLeft(file, now) ?? []);
  if (days.length === 0) return { text: '-' };
  const left = Math.min(...days);
  if (left < 0) return { text: 'expired', style: 'red' };
  return { text: `${Math.floor(left)} d`, ...(left < seen!.declared.renewDays ? { style: 'yellow' } : {}) };
}

/** From this age on a row is no picture of now. Seconds. */
const STALE_SECONDS = 10;

function ageCell(at: Date | undefined, now: Date): Cell {
  if (!at) return { text: '-' };
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1000));
  return { text: `${seconds} s`, ...(seconds >= STALE_SECONDS ? { style: 'yellow' } : {}) };
}

const SEVERITY: Record<Finding['severity'], Style> = { critical: 'red', warning: 'yellow', note: 'cyan' };

function renderFindings(findings: readonly Finding[], width: number, paint: Paint): string[] {
  if (findings.length === 0) return [paint('green', 'Nothing is wrong.')];
  return findings.flatMap(({ severity, kind, message, next }, at) => [
    ...(at === 0 ? [] : ['']),
    `${paint(SEVERITY[severity], severity.toUpperCase())} ${kind}`,
    ...wrap(escapeForTerminal(message), width, '  '),
    ...wrap(escapeForTerminal(next), width, '  next: ', '        '),
  ]);
}
