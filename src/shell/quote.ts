// The one place where a value becomes a word of a shell program.

/**
 * `word` as one word of POSIX sh, whatever it contains.
 * @throws if it contains NUL, which no shell can hold: a value from outside must be checked before it comes here.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new Error('a word of a shell program cannot contain NUL');
  return `'${word.replaceAll("'", "'\\''")}'`;
}
