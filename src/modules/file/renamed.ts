// file.renamed: what was here is there. Nothing is ever overwritten.
import { quote } from '../../shell/quote.ts';
import type { Module, Refusal } from '../module.ts';
import { explainDanger, pathProperty } from './path.ts';

type Id = { path: string; to: string };
type Kind = 'absent' | 'file' | 'directory' | 'other';
type Seen = { from: Kind; to: Kind };

export const fileRenamed: Module<Id, Id, Seen> = {
  name: 'file.renamed',
  schema: {
    type: 'object',
    description:
      'What is at this path is renamed, with all that is in it. Where nothing is there, there is nothing to do. What is at the other path already is never overwritten: while both are there it is refused. Both have to be on one file system, so that it is done or not done, whenever the power goes.',
    properties: {
      path: pathProperty('What is to be renamed', '/etc/kubernetes/manifests/kube-apiserver.yaml'),
      to: pathProperty(
        'What it is to be called; its directory is made where it is not there, for root alone',
        '/etc/kubernetes/manifests.kept/kube-apiserver.yaml',
      ),
    },
    required: ['path', 'to'],
    additionalProperties: false,
    examples: [{ path: '/etc/etcd/old.conf', to: '/etc/etcd/old.conf.kept' }],
  },
  claims: ({ path }) => `file:${path}`,
  read: ({ path, to }) => `q_kind() {
  if [ -L "$1" ]; then q_is=other
  elif [ -f "$1" ]; then q_is=file
  elif [ -d "$1" ]; then q_is=directory
  elif [ -e "$1" ]; then q_is=other
  else q_is=absent
  fi
}
q_kind ${quote(path)}; q_from=$q_is
q_kind ${quote(to)}; echo "$q_from $q_is"`,
  parse({ stdout }) {
    const [, from, to] = /^(absent|file|directory|other) (absent|file|directory|other)\n$/.exec(
      new TextDecoder().decode(stdout),
    ) ?? [undefined];
    if (from === undefined || to === undefined) throw new Error('this is no reading of two paths');
    return { from: from as Kind, to: to as Kind };
  },
  diff({ path, to }, seen) {
    if (seen.from === 'absent') return [];
    return refuse(path, to, seen) ?? [{ path: 'path', before: path, after: to }];
  },
  expect: (_want, { from }) => ({ from: 'absent', to: from }),
  fingerprint: ({ from, to }) => `${from} ${to}`,
  write: ({ path, to }) => ({
    script: `from=${quote(path)} to=${quote(to)}
(umask 077 && mkdir -p -- "\${to%/*}/") || exit
if [ "$(stat -c %d "\${from%/*}/")" != "$(stat -c %d "\${to%/*}/")" ]; then
  printf '%s is on another file system: it was left as it is\\n' "\${to%/*}" >&2
  exit 1
fi
# Without -T it would go into a directory that has come to be there meanwhile.
mv -nT -- "$from" "$to" && [ ! -e "$from" ] && q_sync "\${from%/*}/" "\${to%/*}/"`,
  }),
};

function refuse(path: string, to: string, seen: Seen): Refusal | undefined {
  const next = 'look at both, and move aside the one that is not needed';
  const danger = explainDanger(path);
  if (danger !== undefined) return { refused: `${path} must not be renamed: ${danger}`, next: 'correct the path' };
  if (seen.from === 'other')
    return { refused: `${path} is neither a file nor a directory, so it is not renamed`, next: 'correct the path' };
  if (seen.to === 'absent') return undefined;
  return { refused: `${path} is there, and ${to} too: neither is overwritten`, next };
}
