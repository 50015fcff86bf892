// Why a file could not be written, in the operator's words.
import type { Failure } from '../failure.ts';

const REASONS: { [code: string]: [why: string, next: string] } = {
  ENOENT: ['cannot be written: its directory does not exist', 'make the directory, or name another'],
  ENOTDIR: ['cannot be written: a part of its path is a file', 'check the path'],
  EISDIR: ['is a directory', 'name a file'],
  EACCES: ['may not be written by you', 'check the permissions of its directory'],
  EPERM: ['may not be written by you', 'check the permissions of its directory'],
  EROFS: ['cannot be written: its file system is read-only', 'name a place that can be written'],
  ENOSPC: ['cannot be written: the disk is full', 'make room'],
  EDQUOT: ['cannot be written: your quota is used up', 'make room'],
};

/** The failure for an error of `node:fs`; it names the path that the error itself names, else `file`. */
export function explainWriteError(file: string, error: unknown): Failure {
  const { code = 'unknown error', path = file } = error as NodeJS.ErrnoException;
  const [why, next] = REASONS[code] ?? [`cannot be written (${code})`, 'check the path'];
  return { reason: 'usage', message: `${path} ${why}`, next };
}
