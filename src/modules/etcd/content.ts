// etcd.content: the cluster serves what it is to serve: so many keys of each kind, and the canary. Since keys go by
// themselves when their lease ends (events, leases of API servers), it is counted at a revision, not as of now.
import { etcdctlFunctions } from '../../etcd/etcdctl.sh.ts';
import { REVISION_BUMP } from '../../etcd/restoration.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import { ownCounts } from '../../etcd/snapshot/rehearsal.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { Module } from '../module.ts';

type Id = {
  bin_dir: string;
  pki_dir: string;
  client_port: number;
  revision: number | null;
  keys: number;
  prefixes: { [prefix: string]: number };
  canary: string | null;
};

type Counts = {
  keys: number;
  /** Below each of the prefixes, in their order: those of longer prefixes too. */
  below: number[];
};

type Seen = {
  /** The newest revision. */
  now: number;
  current: Counts;
  /** At the wanted revision; null where none is wanted, or etcd has compacted it since. */
  counted: Counts | null;
  canary: string | null;
};

const ASK_SECONDS = 60;

export const etcdContent: Module<Id, Id, Seen> = {
  name: 'etcd.content',
  schema: {
    type: 'object',
    description:
      'The gate behind a restore, for a resource with scope: cluster: the member of a host serves, through the leader, exactly as many keys as the snapshot had, of each kind, and its canary. Otherwise it is refused, so that what requires it (API servers) stays down. Changes nothing.',
    properties: {
      bin_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where etcdctl is; else it is looked for in PATH and in the container of etcd. Absolute',
        default: '/usr/local/bin',
        examples: ['/opt/etcd/bin'],
        'x-identity': true,
      },
      pki_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where ca.crt and healthcheck-client.* are. Absolute',
        default: '/etc/kubernetes/pki/etcd',
        examples: ['/etc/etcd/pki'],
        'x-identity': true,
      },
      client_port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'Where the member of this host serves clients',
        default: 2379,
        examples: [2379],
        'x-identity': true,
      },
      revision: {
        type: ['integer', 'null'],
        minimum: 1,
        description:
          'The revision of the snapshot, at which it is counted, also where the restored cluster has raised it; since then keys may only have gone. null: it is counted as of now',
        default: null,
        examples: [48211],
        'x-identity': true,
      },
      keys: {
        type: 'integer',
        minimum: 0,
        description: 'How many keys there are to be, of all kinds',
        examples: [3021],
        'x-identity': true,
      },
      prefixes: {
        type: 'object',
        additionalProperties: { type: 'integer', minimum: 0 },
        description: 'How many of each kind, by their prefix without the slash at its end',
        default: {},
        examples: [{ '/registry/pods': 3000 }],
        'x-identity': true,
      },
      canary: {
        type: ['string', 'null'],
        description: 'What /quorate/canary is to be. null: it is not to be there',
        default: null,
        examples: ['{"run":"20260102T030405Z-ab12","cluster":"main"}'],
        'x-identity': true,
      },
    },
    required: ['keys'],
    additionalProperties: false,
    examples: [
      {
        bin_dir: '/usr/local/bin',
        pki_dir: '/etc/kubernetes/pki/etcd',
        client_port: 2379,
        revision: 48211,
        keys: 3021,
        prefixes: { '/registry/pods': 3000 },
      },
    ],
  },
  claims: () => undefined,
  read({ bin_dir: binDir, pki_dir: pkiDir, client_port: clientPort, revision, prefixes }) {
    const asked = ['', ...Object.keys(prefixes).map((prefix) => `${prefix}/`)];
    return `${etcdctlFunctions({ binDir, pkiDir, clientPort })}
q_get() { q_etcdctl ${ASK_SECONDS} "$q_own" get -w json "$@"; }
q_count() { # WORD OPTION…
  q_line=$1; shift
  for q_prefix in ${asked.map(quote).join(' ')}; do
    q_said=$(q_get --prefix --keys-only --limit=1 "$@" -- "$q_prefix") || exit 1
    case $q_said in *'"count":'*) q_said=\${q_said##*'"count":'}; q_line="$q_line \${q_said%%[!0-9]*}" ;; *) q_line="$q_line 0" ;; esac
  done
  echo "$q_line"
}
q_canary=$(q_get ${quote(CANARY_KEY)}) || exit 1
q_now=\${q_canary#*'"revision":'}; q_now=\${q_now%%[!0-9]*}
${revision === null ? 'q_at=' : chooseRevision(revision)}
echo asked
echo "now $q_now"
if [ -n "$q_at" ]; then
  q_count counted "--rev=$q_at"
  q_canary=$(q_get "--rev=$q_at" ${quote(CANARY_KEY)}) || exit 1
fi
[ "$q_at" = "$q_now" ] || q_count current
echo "canary $q_canary"`;
  },
  parse({ stdout }) {
    const text = new TextDecoder().decode(stdout).trimEnd();
    const lines = new Map(text.split('\n').map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)]));
    const now = Number(lines.get('now'));
    const counted = parseCounts(lines.get('counted'));
    const current = parseCounts(lines.get('current')) ?? counted;
    const canary = lines.get('canary');
    if (!Number.isSafeInteger(now) || !current || canary === undefined)
      throw new Error('this is no reading of what a cluster serves');
    const { kvs } = JSON.parse(canary) as { kvs?: { value?: string }[] };
    const value = kvs?.[0]?.value;
    return {
      now,
      current,
      counted: counted ?? null,
      canary: value === undefined ? null : Buffer.from(value, 'base64').toString(),
    };
  },
  diff(want, { now, current, counted, canary }) {
    const exact = want.revision === null ? current : counted;
    const wrong = [
      ...(want.revision === null || now >= want.revision
        ? []
        : [`revision: ${want.revision} in the snapshot, ${now} in the cluster`]),
      ...(exact === null ? [] : compare(want, exact, (wanted, found) => found !== wanted)),
      // Leases end, and their keys go. What was not there before has been written.
      ...(exact === current ? [] : compare(want, current, (wanted, found) => found > wanted)),
      ...(canary === want.canary ? [] : ['the canary is not that of the snapshot']),
    ];
    if (wrong.length === 0) return [];
    return {
      refused: `the cluster does not serve what the snapshot had; API servers stay down\n${[...new Set(wrong)].join('\n')}`,
      next: 'find out who writes to this cluster already (an API server elsewhere?); `quorate undo` takes the restore back',
    };
  },
  expect: (_want, seen) => seen,
  fingerprint: () => 'asked',
  write: () => ({ script: ':' }),
};

/** Sets q_at: the revision at which a restored cluster has what the snapshot had. Empty where it cannot be asked about that. */
function chooseRevision(revision: number): string {
  return `q_at=${revision}; [ $((q_now - q_at)) -lt ${REVISION_BUMP} ] || q_at=$((q_at + ${REVISION_BUMP}))
if [ "$q_now" -lt "$q_at" ]; then q_at=
elif ! q_said=$(q_get "--rev=$q_at" ${quote(CANARY_KEY)} 2>&1 >/dev/null); then
  case $q_said in *'has been compacted'*) q_at= ;; *) echo "$q_said" >&2; exit 1 ;; esac
fi`;
}

function parseCounts(line: string | undefined): Counts | undefined {
  const [keys, ...below] = line?.split(' ').map(Number) ?? [];
  return keys !== undefined && [keys, ...below].every(Number.isSafeInteger) ? { keys, below } : undefined;
}

function compare(
  { keys, prefixes }: Pick<Id, 'keys' | 'prefixes'>,
  found: Counts,
  isWrong: (wanted: number, found: number) => boolean,
): string[] {
  const names = Object.keys(prefixes);
  const own = ownCounts(new Map(names.map((name, at) => [name, found.below[at]!])));
  return [
    { what: 'keys', wanted: keys, found: found.keys },
    ...names.map((name) => ({ what: `keys of ${name}`, wanted: prefixes[name]!, found: own.get(name)! })),
  ]
    .filter((each) => isWrong(each.wanted, each.found))
    .map((each) => `${each.what}: ${each.wanted} in the snapshot, ${each.found} in the cluster`);
}
