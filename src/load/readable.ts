// Why a file could not be read, in the operator's words.
import type { Failure, Place } from '../failure.ts';

const REASONS: { [code: string]: [why: string, next: string] } = {
  ENOENT: ['does not exist', 'check the path'],
  EACCES: ['may not be read by you', 'check its permissions and those of its directories'],
  EPERM: ['may not be read by you', 'check its permissions and those of its directories'],
  EISDIR: ['is a directory', 'name a file'],
  ENOTDIR: ['does not exist: a part of its path is a file', 'check the path'],
  ELOOP: ['is a chain of symbolic links without an end', 'check where its links lead'],
};

/** The failure for an error of `node:fs`; `place` is where the file was named, if a file named it. */
export function explainReadError(file: string, error: unknown, place?: Place): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const [why, next] = REASONS[code] ?? [`cannot be read (${code})`, 'check the file'];
  return { reason: 'unreadable', message: `${file} ${why}`, ...(place && { place }), next };
}
