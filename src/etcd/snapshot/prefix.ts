// Which kind of thing a key is of, as an operator would say it: the part of its name that all things of a kind share.

/** Under these Kubernetes keeps several kinds: services/specs and services/endpoints. */
const GROUPS: ReadonlySet<string> = new Set(['services']);

export const NO_PREFIX = '(no prefix)';

/**
 * `/registry/pods` of `/registry/pods/default/web`; `/registry/example.com/widgets` of a custom resource, whose first
 * part is its API group; `/quorate` of `/quorate/canary`, where there is no second part; {@link NO_PREFIX} without a slash.
 */
export function prefixOf(key: string): string {
  const parts = key.split('/', 6);
  const from = parts[0] === '' ? 1 : 0;
  const kind = parts[from + 1] ?? '';
  const names = from + (kind.includes('.') || GROUPS.has(kind) ? 3 : 2);
  // The last part is a thing's own name.
  const shared = Math.min(names, parts.length - 1);
  return shared <= from ? NO_PREFIX : parts.slice(0, shared).join('/');
}
