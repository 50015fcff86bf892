// The YAML tags that a document may carry: the core ones, `!sensitive` and `!sensitive-file`.
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { boolCoreTag, floatCoreTag, intCoreTag, NOT_RESOLVED, nullCoreTag } from 'js-yaml';
import { type Attempt, fail, type Place, succeed } from '../failure.ts';
import { Sensitive } from '../sensitive.ts';
import type { Scalar, Value } from '../value.ts';
import { findNearest } from './nearest.ts';
import { explainReadError } from './readable.ts';

export type Tag =
  | { kind: 'scalar' | 'unknown'; name: string; resolve(source: string): Attempt<Value> }
  | { kind: 'collection'; name: string };

interface TagUse {
  name: string;
  /** The file that carries the tag. */
  file: string;
  place: Place;
}

const CORE_TAGS = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];
const MAX_SECRET_BYTES = 1024 * 1024;

export function resolveTag(use: TagUse): Tag {
  const { name, place } = use;
  if (name === '!!map' || name === '!!seq') return { kind: 'collection', name };
  if (name === '!sensitive') return { kind: 'scalar', name, resolve: (source) => succeed(new Sensitive(source)) };
  if (name === '!sensitive-file') return { kind: 'scalar', name, resolve: (source) => readSecret(source, use) };
  if (name === '!!str' || name === '!') return { kind: 'scalar', name, resolve: (source) => succeed(source) };
  const core = CORE_TAGS.find((tag) => tag.tagName === `tag:yaml.org,2002:${name.slice(2)}` && name.startsWith('!!'));
  if (core === undefined) {
    const { message, next } = explainUnknown(name);
    return {
      kind: 'unknown',
      name,
      resolve: () => fail({ reason: 'unknown', message, place, next }),
    };
  }
  return {
    kind: 'scalar',
    name,
    resolve(source) {
      const value: unknown = core.resolve(source, true, core.tagName);
      if (value !== NOT_RESOLVED) return succeed(value as Scalar);
      return fail({
        reason: 'schema',
        message: `the value after ${name} is not of that type`,
        place,
        next: 'remove the tag',
      });
    },
  };
}

/** Only tags that somebody meant as tags are named: anything else may be a secret that was not quoted. */
function explainUnknown(name: string): { message: string; next: string } {
  const message = `the tag ${name} is not known`;
  if (name === '!vault') {
    const file = 'decrypt the value into a file of its own (mode 0600)';
    return { message, next: `ansible-vault is not read: ${file} and write !sensitive-file PATH` };
  }
  const nearest = findNearest(name, ['!sensitive', '!sensitive-file']);
  if (nearest !== undefined) return { message, next: `did you mean ${nearest}?` };
  return {
    message: 'the tag (!…) here is not known',
    next: 'quote a value that begins with "!"; known are !sensitive and !sensitive-file',
  };
}

/** The content of a file that only its owner (and a group of operators) can read, without its last line's end. */
function readSecret(named: string, { file, place }: TagUse): Attempt<Value> {
  if (named === '') {
    return fail({
      reason: 'schema',
      message: '!sensitive-file names no file',
      place,
      next: 'write !sensitive-file PATH',
    });
  }
  const path = named.startsWith('~/') ? join(homedir(), named.slice(2)) : resolve(dirname(file), named);
  try {
    const stats = statSync(path);
    // Not a device or a pipe: reading one might never end.
    if (!stats.isFile())
      return fail({ reason: 'unreadable', message: `${named} is not a regular file`, place, next: 'name a file' });
    const mode = stats.mode & 0o777;
    if ((mode & 0o027) !== 0) {
      return fail({
        reason: 'unreadable',
        message: `the secret in ${named} is open to others: its mode is 0${mode.toString(8)}`,
        place,
        next: `chmod 0600 ${named}`,
      });
    }
    if (stats.size > MAX_SECRET_BYTES) {
      return fail({
        reason: 'unreadable',
        message: `${named} is larger than 1 MiB`,
        place,
        next: 'name the right file',
      });
    }
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    return succeed(new Sensitive(text.replace(/\r?\n$/, '')));
  } catch (error) {
    if (error instanceof TypeError) {
      return fail({
        reason: 'unreadable',
        message: `${named} is not UTF-8 text`,
        place,
        next: 'encode it, e.g. as base64',
      });
    }
    return fail(explainReadError(named, error, place));
  }
}
