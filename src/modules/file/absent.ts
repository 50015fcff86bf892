// file.absent: nothing at this path. What was there is in the trash.
import { quote } from '../../shell/quote.ts';
import type { Module, Refusal } from '../module.ts';
import { describeEntry, type Entry, fingerprintEntry, parseEntry, readEntry, takeLine } from './entry.ts';
import { explainDanger, PATH_PATTERN, pathProperty } from './path.ts';

type Id = { path: string };
type Seen = {
  entry: Entry;
  /** The path with no symbolic link among the directories above it. */
  real?: string;
  /** The first mount point at the path or below it, as /proc/self/mountinfo writes it. */
  mount?: string;
};

export const fileAbsent: Module<Id, Id, Seen> = {
  name: 'file.absent',
  schema: {
    type: 'object',
    description:
      'Nothing at this path. A file, a link or a whole directory that is there is moved to the trash of the run, never deleted. What the system needs, and mount points, are refused.',
    properties: {
      // The root is let through, so that it is refused with the reason.
      path: { ...pathProperty('What is to go', '/etc/etcd/old.conf'), pattern: `^/$|${PATH_PATTERN}` },
    },
    required: ['path'],
    additionalProperties: false,
    examples: [{ path: '/etc/etcd/old.conf' }],
  },
  claims: ({ path }) => `file:${path}`,
  paths: ({ path }) => [path],
  read: ({ path }) => `path=${quote(path)}\n${readEntry(path, { content: false })} || exit\n${READ_SURROUNDINGS}`,
  parse(reading) {
    const { entry, rest } = parseEntry(reading);
    if (entry.kind === 'absent') return { entry };
    const [mount, real] = takeLine(rest);
    return {
      entry,
      real: new TextDecoder().decode(real),
      ...(mount === 'mount' ? {} : { mount: mount.slice('mount '.length) }),
    };
  },
  diff(want, seen) {
    const before = describeEntry(seen.entry);
    if (before === undefined) return [];
    return refuse(want.path, seen) ?? [{ path: 'exists', before, after: null }];
  },
  expect: () => ({ entry: { kind: 'absent' } }),
  fingerprint: (seen) => fingerprintEntry(seen.entry),
  write: (want) => ({ script: `q_trash ${quote(want.path)}` }),
};

function refuse(path: string, seen: Seen): Refusal | undefined {
  const next = 'correct the path; if it really must go, move it by hand';
  const danger = explainDanger(path);
  if (danger !== undefined) return { refused: `${path} must not be taken away: ${danger}`, next };
  const realDanger = seen.real === undefined ? undefined : explainDanger(seen.real);
  if (realDanger !== undefined) {
    return { refused: `${path}, which is ${seen.real}, must not be taken away: ${realDanger}`, next };
  }
  if (seen.mount === undefined) return undefined;
  const where = seen.mount === seen.real ? 'it is a mount point' : `${seen.mount} is mounted there`;
  return {
    refused: `${path} must not be taken away: ${where}`,
    next: `unmount ${seen.mount} first, and see that it stays unmounted`,
  };
}

const READ_SURROUNDINGS = `
if [ -e "$path" ] || [ -L "$path" ]; then
  real=$(cd -P "\${path%/*}/" && pwd -P && echo .) || exit
  real=\${real%??}
  case $real in //*) real=\${real#/} ;; esac # as bash writes the root behind a link
  real=\${real%/}/\${path##*/}
  written=$real
  case $real in
    *[!A-Za-z0-9/._-]*)
      written=$(printf '%s/' "$real" | sed -e 's/\\\\/\\\\134/g' -e 's/ /\\\\040/g' -e "s/$(printf '\\t')/\\\\\\\\011/g" |
        sed -e ':a' -e '$!N' -e 's/\\n/\\\\012/' -e ta)
      written=\${written%/}
      ;;
  esac
  mount=
  while read -r _ _ _ _ point _; do
    case $point in "$written" | "$written"/*) mount=" $point"; break ;; esac
  done </proc/self/mountinfo
  printf 'mount%s\\n%s' "$mount" "$real"
fi`;
