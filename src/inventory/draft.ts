// What the files of an inventory say, merged, before precedence is decided.
import type { Failure, Place } from '../failure.ts';
import type { Document } from '../load/document.ts';
import { isSensitive } from '../sensitive.ts';
import type { Path, Value, ValueMap } from '../value.ts';

/** A variable and where it was set. */
export interface Variable {
  value: Value;
  place: Place;
  /** Where its name stands. */
  key: Place;
}

export interface DraftHost {
  name: string;
  /** Where the host is named first, in the order of the files. */
  place: Place;
  /** The position of that file among the inventory's files. */
  source: number;
  vars: Map<string, Variable>;
}

export interface DraftGroup {
  name: string;
  place: Place;
  vars: Map<string, Variable>;
  hosts: Set<string>;
  /** Child groups, and where each was named as one. */
  children: Map<string, Place>;
}

export interface Draft {
  hosts: Map<string, DraftHost>;
  groups: Map<string, DraftGroup>;
  failures: Failure[];
}

export function createDraft(): Draft {
  return { hosts: new Map(), groups: new Map(), failures: [] };
}

/** One file's view of the draft. */
export interface DraftSource {
  draft: Draft;
  document: Document;
  /** The position of the file among the inventory's files. */
  index: number;
}

/** Host and group names become file names, so nothing else is taken. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

export function isSafeName(name: string): boolean {
  return SAFE_NAME.test(name);
}

export function addGroup({ draft, document }: DraftSource, name: string, path: Path): DraftGroup {
  const place = document.place(path, 'key');
  const known = draft.groups.get(name);
  if (known !== undefined) return known;
  if (!isSafeName(name)) draft.failures.push(refuseName('group', name, place));
  const group: DraftGroup = { name, place, vars: new Map(), hosts: new Set(), children: new Map() };
  draft.groups.set(name, group);
  return group;
}

export function addHost({ draft, document, index }: DraftSource, name: string, path: Path): DraftHost {
  const place = document.place(path, 'key');
  const known = draft.hosts.get(name);
  if (known !== undefined) {
    const earlier =
      place.line < known.place.line || (place.line === known.place.line && place.column < known.place.column);
    if (known.source === index && earlier) known.place = place;
    return known;
  }
  if (!isSafeName(name)) draft.failures.push(refuseName('host', name, place));
  const host: DraftHost = { name, place, source: index, vars: new Map() };
  draft.hosts.set(name, host);
  return host;
}

/** Sets the variables at `path`; a later setting of the same variable wins, as in Ansible. */
export function addVars(
  { draft, document }: DraftSource,
  into: Map<string, Variable>,
  path: Path,
  vars: ValueMap,
): void {
  for (const [name, value] of Object.entries(vars)) {
    const at = [...path, name];
    refuseJinja(draft, document, at, value);
    into.set(name, { value, place: document.place(at), key: document.place(at, 'key') });
  }
}

function refuseName(kind: string, name: string, place: Place): Failure {
  const message = `the ${kind} name ${JSON.stringify(name)} is not safe in a file name`;
  const rule = 'use letters, digits, ".", "_" and "-", and begin with a letter, digit or "_"';
  const next =
    kind === 'host' && name.includes(':') ? `${rule}; put the address or port into ansible_host, ansible_port` : rule;
  return { reason: 'schema', message, place, next };
}

function refuseJinja(draft: Draft, document: Document, path: Path, value: Value): void {
  if (isSensitive(value)) return;
  if (typeof value === 'string') {
    if (!/\{\{|\{%/.test(value)) return;
    draft.failures.push({
      reason: 'template',
      message: `${path.at(-1)} holds a Jinja expression, which Quorate does not evaluate`,
      place: document.place(path),
      next: 'write the value itself, or let Ansible evaluate it: ansible-inventory -i FILE --list --yaml',
    });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, each] of entries) refuseJinja(draft, document, [...path, key], each);
}
