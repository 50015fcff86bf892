// What an operator types for a place, taken apart.
import { basename, dirname, resolve } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';

export type PlaceUrl =
  | { kind: 'file'; directory: string; name?: string }
  | { kind: 'host'; host: string; directory: string; name?: string }
  | { kind: 's3'; bucket: string; prefix: string; name?: string };

/** A path that ends in `.db` is a file in its place; everything else is the place. */
export function parsePlaceUrl(text: string): Attempt<PlaceUrl> {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  const wrong = (why: string) =>
    fail({
      reason: 'usage',
      message: `${text} is no place for snapshots: ${why}`,
      next: 'give a directory, host://HOST/DIRECTORY or s3://BUCKET/PREFIX',
    });
  if (/\p{Cc}/u.test(text)) return wrong('it holds a control character');
  if (scheme === undefined || rest === undefined) {
    return text === '' ? wrong('it is empty') : succeed({ kind: 'file', ...split(resolve(text)) });
  }
  const [, first = '', path = ''] = /^([^/]*)(.*)$/s.exec(rest) ?? [];
  switch (scheme) {
    case 'file':
      return first === '' && path !== ''
        ? succeed({ kind: 'file', ...split(resolve(path)) })
        : wrong('file:// takes an absolute path');
    case 'host':
      if (first === '' || !/^\/./.test(path)) return wrong('a host and an absolute path are needed');
      return succeed({ kind: 'host', host: first, ...split(path.replace(/\/+$/, '')) });
    case 's3': {
      if (!/^[a-z0-9][a-z0-9.-]+$/.test(first)) return wrong('the bucket has no name that S3 allows');
      const { directory, name } = split(path.replace(/\/+$/, '') || '/');
      const prefix = directory.replace(/^\/+/, '');
      return succeed({ kind: 's3', bucket: first, prefix, ...(name === undefined ? {} : { name }) });
    }
    default:
      return wrong(`${scheme}:// is not known`);
  }
}

function split(path: string): { directory: string; name?: string } {
  return path.endsWith('.db') ? { directory: dirname(path), name: basename(path) } : { directory: path };
}
