// An object in the API: which one is meant, where the API answers, and how a host asks for it without changing anything.
import { listensOn } from '../../etcd/etcdctl.sh.ts';
import { quote } from '../../shell/quote.ts';
import type { Value } from '../../value.ts';
import { PATH_PATTERN, pathProperty } from '../file/path.ts';
import type { ParameterProperty, Reading } from '../module.ts';

/** The identity of an object, and of the API servers that have it. */
export type ObjectId = {
  api_version: string;
  kind: string;
  name: string;
  namespace: string | null;
  server: string;
  servers: string[];
  pki_dir: string;
  kubeconfig: string;
};

/** The API's answer. `unserved`: it has nothing of this kind and version; `unanswered`: nobody could say. */
export type Sighting =
  | { state: 'found'; object: Value }
  | { state: 'absent' }
  | { state: 'unserved' | 'unanswered'; why: string };

/** As on a host where nobody has set up a control plane yet. */
export const NO_CERTIFICATE = 'there is no certificate here to ask it with';

const SERVER = '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+):\\d{1,5}$';
const NAME = '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$';

export const objectProperties: { [name: string]: ParameterProperty } = {
  api_version: {
    type: 'string',
    pattern: '^([a-z0-9.-]+/)?v[0-9][a-z0-9]*$',
    description: 'The version of the API: GROUP/VERSION, or VERSION alone for the core group',
    examples: ['batch/v1', 'v1'],
    'x-identity': true,
  },
  kind: {
    type: 'string',
    pattern: '^[A-Z][A-Za-z0-9]*$',
    description: 'The kind of the object',
    examples: ['CronJob'],
    'x-identity': true,
  },
  name: {
    type: 'string',
    pattern: NAME,
    maxLength: 253,
    description: 'The name of the object',
    examples: ['kube-etcd-snapshot'],
    'x-identity': true,
  },
  namespace: {
    type: ['string', 'null'],
    pattern: NAME,
    maxLength: 63,
    description: 'The namespace of the object. null: it is in none',
    default: null,
    examples: ['kube-system'],
    'x-identity': true,
  },
  server: {
    type: 'string',
    pattern: SERVER,
    description: "Where the host's own API server serves, as HOST:PORT",
    examples: ['10.0.0.1:6443'],
    'x-identity': true,
  },
  servers: {
    type: 'array',
    items: { type: 'string', pattern: SERVER },
    description: 'Where others serve, which are asked in this order when its own does not answer',
    default: [],
    examples: [['10.0.0.2:6443', '10.0.0.3:6443']],
    'x-identity': true,
  },
  pki_dir: {
    type: 'string',
    pattern: PATH_PATTERN,
    description: 'Where ca.crt and apiserver-kubelet-client.* are, with which curl asks. Absolute',
    default: '/etc/kubernetes/pki',
    examples: ['/etc/kubernetes/pki'],
    'x-identity': true,
  },
  kubeconfig: {
    ...pathProperty("The administrator's kubeconfig, with which kubectl writes", '/etc/kubernetes/admin.conf'),
    default: '/etc/kubernetes/admin.conf',
    'x-identity': true,
  },
};

export const OBJECT_REQUIRED = ['api_version', 'kind', 'name', 'server'];

/** As an operator calls it: `CronJob kube-system/kube-etcd-snapshot`. */
export function titleOf({ kind, namespace, name }: ObjectId): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

/** Whatever its version: two resources must not own one object. */
export function claimObject({ api_version, kind, namespace, name }: ObjectId): string {
  const group = api_version.includes('/') ? api_version.split('/')[0] : '';
  return `object:${group}/${kind}/${namespace ?? ''}/${name}`;
}

/** `cronjobs` of CronJob. Source: apimachinery's meta.UnsafeGuessKindToResource, right for all kinds but Endpoints. */
function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (word === 'endpoints') return word;
  if (/(s|x|ch)$/.test(word)) return `${word}es`;
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`;
}

/** As `kubectl` takes a resource of one version: `cronjobs.v1beta1.batch`. */
export function resourceOf({ api_version, kind }: ObjectId): string {
  const [group, version] = api_version.includes('/') ? api_version.split('/') : [undefined];
  return group === undefined ? pluralOf(kind) : `${pluralOf(kind)}.${version}.${group}`;
}

function urlPathOf(id: ObjectId): string {
  const group = id.api_version.includes('/') ? 'apis' : 'api';
  const inside = id.namespace === null ? '' : `namespaces/${id.namespace}/`;
  return `/${group}/${id.api_version}/${inside}${pluralOf(id.kind)}/${id.name}`;
}

/**
 * Gives `q_look`, which asks one API server after another for the object and sets `q_state` (as in {@link Sighting}),
 * `q_body` and `q_server`; `q_same UID GENERATION`, whether it is still that one; and `q_kubectl`, which talks to that server.
 */
export function apiFunctions(id: ObjectId): string {
  const { pki_dir: pki, kubeconfig } = id;
  const servers = [id.server, ...id.servers.filter((server) => server !== id.server)];
  const [port] = id.server.split(':').slice(-1);
  return `
q_ca=${quote(`${pki}/ca.crt`)} q_crt=${quote(`${pki}/apiserver-kubelet-client.crt`)} q_key=${quote(`${pki}/apiserver-kubelet-client.key`)}
q_config=${quote(kubeconfig)}
q_kubectl() { env -u HTTPS_PROXY -u https_proxy kubectl --kubeconfig="$q_config" --server="https://$q_server" --cache-dir=/dev/null --request-timeout=60s "$@"; }
q_ask() {
  q_path=${quote(urlPathOf(id))} q_state=unanswered
  if command -v curl >/dev/null && [ -r "$q_crt" ]; then
    q_body=$(curl --silent --show-error --noproxy '*' --connect-timeout 3 --max-time 10 --cacert "$q_ca" --cert "$q_crt" --key "$q_key" --write-out '\\n%{http_code}' "https://$q_server$q_path" 2>&1) || { q_body=$(printf '%s\\n' "$q_body" | sed -n 's/.*\\(curl: \\)/\\1/p'); return; }
    q_code=\${q_body##*
} q_body=\${q_body%
*}
    case $q_code$q_body in
      200*) q_state=found ;;
      404*'"details"'*'"name"'*) q_state=absent ;;
      404*) q_state=unserved ;;
    esac
  elif command -v kubectl >/dev/null; then
    if q_body=$(q_kubectl --request-timeout=10s get --raw "$q_path" 2>&1); then q_state=found; return; fi
    case $q_body in
      *'(NotFound)'*'" not found'*) q_state=absent ;;
      *'(NotFound)'*) q_state=unserved ;;
    esac
  else
    q_body='nothing here can ask it: install curl or kubectl'
  fi
}
q_look() {
  q_first= q_state=unanswered q_body='${NO_CERTIFICATE}'
  [ -r "$q_crt" ] || [ -r "$q_config" ] || return 1
  for q_server in ${servers.map(quote).join(' ')}; do
    q_ask
    [ "$q_state" = unanswered ] || return 0
    q_first=\${q_first:-$q_server: \${q_body:-it does not answer}}
  done
  q_body=$q_first
  return 1
}
q_await() { # SECONDS: for a moment a server may have no leader of its etcd to ask
  q_end=$(($(date +%s) + $1))
  until q_look; do
    [ "$(date +%s)" -lt "$q_end" ] && ${listensOn(Number(port))} || return 1
    sleep 0.5 2>/dev/null || sleep 1
  done
}
q_field() { printf '%s\\n' "$q_body" | tr ',' '\\n' | sed -n "s/.*\\"$1\\": *\\"\\{0,1\\}\\([0-9a-f-]*\\).*/\\1/p" | head -n 1; }
q_same() { [ "$(q_field uid) $(q_field generation)" = "$1 $2" ]; }`.trim();
}

/** Seconds that reading waits for an API server that is there and does not answer. */
const PATIENCE = 10;

/** Prints `asked`, the state, and the object or why nobody could say. */
export function readObject(id: ObjectId): string {
  return `${apiFunctions(id)}
echo asked
q_await ${PATIENCE}
printf '%s\\n%s\\n' "$q_state" "$q_body"`;
}

/** Throws on what {@link readObject} never prints. */
export function parseObject({ stdout }: Reading): Sighting {
  const [first, state, ...rest] = new TextDecoder().decode(stdout).split('\n');
  if (first !== 'asked') throw new Error(`no answer of the API: ${first}`);
  const text = rest.join('\n').trim();
  switch (state) {
    case 'found':
      return { state, object: JSON.parse(text) };
    case 'absent':
      return { state };
    case 'unserved':
    case 'unanswered':
      return { state, why: text.replaceAll(/\s+/g, ' ').slice(0, 300) };
    default:
      throw new Error(`no state of an object: ${state}`);
  }
}

/** What an apply has to find still so: who it is, and how often it has been changed. Undefined: nothing was seen. */
function versionSeen(seen: Sighting): [uid: string, generation: string] | undefined {
  if (seen.state !== 'found') return undefined;
  const { uid, generation } = (seen.object as { metadata?: { uid?: unknown; generation?: unknown } }).metadata ?? {};
  return [String(uid ?? ''), String(generation ?? '')];
}

/** Ends a script where the object is not as the plan saw it any more; waits until an API server answers. */
export function holdAgainst(seen: Sighting, timeout: number): string {
  const version = versionSeen(seen);
  const moved = 'echo "it is no longer as the plan saw it, so it was left alone: plan again" >&2; exit 1';
  const lines = [
    `q_until=$(($(date +%s) + ${timeout}))`,
    `until q_look; do`,
    `  [ "$(date +%s)" -lt "$q_until" ] || { printf 'no API server has answered within ${timeout} s: %s\\n' "$q_body" >&2; exit 1; }`,
    '  sleep 0.5 2>/dev/null || sleep 1',
    'done',
    `command -v kubectl >/dev/null || { echo 'there is no kubectl on this host: install the one of your Kubernetes version' >&2; exit 1; }`,
  ];
  if (version !== undefined)
    lines.push(`[ "$q_state" != found ] || q_same ${version.map(quote).join(' ')} || { ${moved}; }`);
  if (seen.state === 'absent') lines.push(`[ "$q_state" != found ] || { ${moved}; }`);
  return lines.join('\n');
}
