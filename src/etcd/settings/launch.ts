// How an etcd is started, whoever wrote that down: its flags, and the files that they stand in.
import type { Flags } from './flags.ts';

/** A file of the host, as it is. */
export interface LaunchFile {
  /** `manifest` of a static pod; `unit` of systemd, a `drop-in` of it, an `environment` file, in the order in which they count. */
  kind: 'manifest' | 'unit' | 'drop-in' | 'environment';
  path: string;
  text: string;
}

/** What is to become of a flag; null takes it away. */
export type FlagEdits = ReadonlyMap<string, string | null>;

/** Why something cannot be read, or not be changed, and what to do. */
export interface Unfit {
  wrong: string;
  next: string;
}

export interface Launch {
  flags: Flags;
  /** Where each flag is written: a path. */
  places: ReadonlyMap<string, string>;
  /** The program, as a path or a name. */
  program: string;
  /** Of a container. */
  image?: string;
  resources?: Resources;
  /** Of its pod. */
  annotations?: Annotations;
  /** Of a pod: where the host has what etcd sees at this path; undefined: nothing of the host is there. */
  hostPath?(path: string): string | undefined;
  /** The files with these changes, only those that differ; or why that cannot be. */
  edit(edits: LaunchEdits): LaunchFile[] | Unfit;
}

export type Annotations = { readonly [name: string]: string };

export interface Resources {
  requests?: { [name: string]: string };
  limits?: { [name: string]: string };
}

export interface LaunchEdits {
  flags: FlagEdits;
  program?: string;
  image?: string;
  resources?: Resources;
  /** Beside those that are there. */
  annotations?: Annotations;
}

export function isUnfit<T extends object>(value: T | Unfit): value is Unfit {
  return 'wrong' in value;
}
