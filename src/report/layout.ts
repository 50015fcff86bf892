// Layout: indentation, counts and lists of hosts, the same in every rendering.
import { escapeForTerminal } from './escape.ts';

export function indent(text: string, columns: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(columns));
}

/** `1 stage`, `2 stages`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `m1 m2 m3`, or the first that fit into `width` columns and how many more. */
export function listHosts(hosts: readonly string[], width: number): string {
  const names = hosts.map((host) => escapeForTerminal(host));
  const whole = names.join(' ');
  if (whole.length <= width) return whole;
  let line = names[0]!;
  let fit = 1;
  while (fit < names.length && line.length + names[fit]!.length + 16 <= width) line += ` ${names[fit++]!}`;
  return `${line} and ${names.length - fit} more`;
}

/** `850 ms`, `4.2 s`, `3 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export interface Block {
  host: string;
  /** Blocks of one subject stand together, in the order of their first. */
  subject: string;
  text: string;
}

/** What is the same on several hosts is said once, under the names of all of them. */
function groupBlocks(blocks: readonly Block[]): { hosts: string[]; texts: string[] }[] {
  const subjects = new Map<string, Map<string, string[]>>();
  for (const { host, subject, text } of blocks) {
    const texts = subjects.get(subject) ?? new Map<string, string[]>();
    subjects.set(subject, texts);
    const hosts = texts.get(text);
    if (hosts) hosts.push(host);
    else texts.set(text, [host]);
  }
  const groups: { hosts: string[]; texts: string[] }[] = [];
  for (const texts of subjects.values()) {
    for (const [text, hosts] of texts) {
      const last = groups.at(-1);
      if (last && last.hosts.join(' ') === hosts.join(' ')) last.texts.push(text);
      else groups.push({ hosts, texts: [text] });
    }
  }
  return groups;
}

/** {@link groupBlocks}, rendered: the hosts on a line, their texts indented below. */
export function renderGroups(blocks: readonly Block[], width: number, paintHosts: (hosts: string) => string): string[] {
  return groupBlocks(blocks).flatMap(({ hosts, texts }) => [
    `  ${paintHosts(listHosts(hosts, width - 2))}`,
    ...texts.map((text) => indent(text, 4)),
  ]);
}
