// What can go wrong, as values: every failure says what, where, and what to do next.

/** A position in a file that a person wrote. Line and column are 1-based. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** Why an input could not be taken. Nothing has been touched when one of these is reported. Exit code 1. */
export type InputReason =
  /** The file is missing or may not be read. */
  | 'unreadable'
  /** Not YAML, JSON, a template or an expression at all. */
  | 'syntax'
  /** A value of the wrong type or form for its schema. */
  | 'schema'
  /** A key, state, host, group, module, helper or variable that nobody knows. */
  | 'unknown'
  /** The same thing is declared twice. */
  | 'duplicate'
  /** Requisites or inclusions lead back to where they began. */
  | 'cycle'
  /** A template could not be rendered: an undefined value, an object inside a string. */
  | 'template'
  /** The command line is wrong. */
  | 'usage';

/** Why a host could not be worked with. Exit code 4 where it could not even be asked, else 2. */
export type HostReason =
  /** No connection: refused, no route, timed out, or login denied. */
  | 'unreachable'
  /** The host's key is unknown or not the one that is known. */
  | 'host-key'
  /** sudo is missing, asks for a password, or denies. */
  | 'become'
  /** A time limit passed. */
  | 'timeout'
  /** The host's answer was not what the protocol says. */
  | 'protocol'
  /** The connection ended in the middle of a program. */
  | 'lost'
  /** The host is no longer as the plan saw it; it was not overwritten. */
  | 'moved'
  /** A script of a resource ended with an error. */
  | 'script'
  /** Written, but it does not read back as wanted. */
  | 'unproven'
  /** The run was interrupted before this was done. */
  | 'interrupted';

/** Why a place where files are kept could not be worked with. Exit code 2. */
export type StorageReason =
  /** It cannot be read or written, or what it gave back is not what it was given. */
  'storage';

/** Why a guard refused. Exit code 5. */
export type RefusalReason =
  /** Another run holds the cluster's lock. */
  | 'locked'
  /** The step would leave fewer healthy voters than quorum needs. */
  | 'quorum'
  /** A saved plan is not what would be done now. */
  | 'plan-differs'
  /** The question was answered with no, or could not be asked. */
  | 'not-confirmed'
  /** A snapshot is damaged, or not the one that is meant. */
  | 'snapshot'
  /** A module saw something that it must not change. */
  | 'guard';

export interface Failure {
  reason: InputReason | HostReason | StorageReason | RefusalReason;
  /** What is wrong, one sentence, no trailing full stop; it names the offending value and what was expected. */
  message: string;
  /** Where in the input, if an input is at fault. */
  place?: Place;
  host?: string;
  resource?: string;
  /** The next step for the operator, or the nearest right spelling. */
  next?: string;
}

/** A value, or the failures that stood in its way: all that could be found at once, not only the first. */
export type Attempt<T> = { ok: true; value: T } | { ok: false; failures: Failure[] };

export function succeed<T>(value: T): Attempt<T> {
  return { ok: true, value };
}

export function fail(...failures: Failure[]): { ok: false; failures: Failure[] } {
  return { ok: false, failures };
}

/** `file:line:column`, as editors and terminals can follow it. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}
