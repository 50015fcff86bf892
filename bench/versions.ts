/** Of versions such as `3.5.30`. */
export function newestVersion(versions: readonly string[]): string {
  const newest = versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) throw new Error('there is no version to choose from');
  return newest;
}
