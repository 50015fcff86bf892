// kubernetes.ready: the gate of a host's control plane: its API server says so, and is the one of the present manifest.
import { listensOn } from '../../etcd/etcdctl.sh.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { Module } from '../module.ts';
import { PROCESSES } from './processes.sh.ts';

type Id = { port: number; pki_dir: string; manifests: string[] };
type Want = Id & { timeout: number };
/** Empty: ready. Else why it is not. */
type Seen = string;

export const kubernetesReady: Module<Id, Want, Seen> = {
  name: 'kubernetes.ready',
  schema: {
    type: 'object',
    description:
      "The host's API server is ready: it answers /readyz on the host with ok, asked with the client certificate that it uses for kubelets. Where it is not, and whenever something that this watches changes, it is waited for, and then it must be one that has begun after its manifest was written. Needs curl, kubectl or openssl on the host.",
    properties: {
      port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'Where the API server of the host serves',
        default: 6443,
        examples: [6443],
        'x-identity': true,
      },
      pki_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where ca.crt and apiserver-kubelet-client.* are. Absolute',
        default: '/etc/kubernetes/pki',
        examples: ['/etc/kubernetes/pki'],
        'x-identity': true,
      },
      manifests: {
        type: 'array',
        items: { type: 'string', pattern: PATH_PATTERN },
        minItems: 1,
        description: 'The manifests of static pods that have to be there, that of the API server first. Absolute',
        default: ['/etc/kubernetes/manifests/kube-apiserver.yaml'],
        examples: [['/etc/kubernetes/manifests/kube-apiserver.yaml', '/etc/kubernetes/manifests/kube-scheduler.yaml']],
        'x-identity': true,
      },
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 3600,
        description: 'How long to wait. Seconds; the limit of one program (--program-limit) must be longer',
        default: 100,
        examples: [300],
      },
    },
    additionalProperties: false,
    examples: [
      { port: 6443, pki_dir: '/etc/kubernetes/pki', manifests: ['/etc/kubernetes/manifests/kube-apiserver.yaml'] },
    ],
  },
  reacts: true,
  proves: true,
  claims: () => undefined,
  read: (id) => `${ask(id)}
echo asked
if find_missing; then
  echo "there is no $missing"
else
  # Where its etcd has just had an election, it is not ready for a moment.
  end=$(($(date +%s) + 10))
  until is_ready; do
    [ "$(date +%s)" -lt "$end" ] && q_serves || break
    sleep 0.5 2>/dev/null || sleep 1
  done
  printf '%s\\n' "$why" | tr '\\n' ' '
fi`,
  parse({ stdout }) {
    const [first, ...why] = new TextDecoder().decode(stdout).split('\n');
    if (first !== 'asked') throw new Error(`no answer of the API server: ${first}`);
    return why.join(' ').trim();
  },
  diff: (_want, why) => (why === '' ? [] : [{ path: 'ready', before: why, after: 'ok' }]),
  expect: () => '',
  fingerprint: () => 'asked',
  write: (want) => ({ script: gate(want) }),
};

/** `find_missing` sets missing; `is_ready` sets why, to nothing where it succeeds; `q_serves`: something listens. */
function ask({ port, pki_dir: pki, manifests }: Id): string {
  return `manifest=${quote(manifests[0]!)} ca=${quote(`${pki}/ca.crt`)} crt=${quote(`${pki}/apiserver-kubelet-client.crt`)} key=${quote(`${pki}/apiserver-kubelet-client.key`)}
find_missing() { for missing in ${manifests.map(quote).join(' ')}; do [ -f "$missing" ] || return 0; done; return 1; }
q_serves() { ${listensOn(port)}; }
ask() {
  if command -v curl >/dev/null; then
    curl --silent --show-error --noproxy '*' --max-time 5 --cacert "$ca" --cert "$crt" --key "$key" https://127.0.0.1:${port}/readyz
  elif command -v kubectl >/dev/null; then
    env -u HTTPS_PROXY -u https_proxy kubectl --kubeconfig=/dev/null --server=https://127.0.0.1:${port} --certificate-authority="$ca" --client-certificate="$crt" --client-key="$key" --request-timeout=5s get --raw /readyz
  elif command -v openssl >/dev/null; then
    printf 'GET /readyz HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' |
      timeout 5 openssl s_client -quiet -verify_return_error -CAfile "$ca" -cert "$crt" -key "$key" -connect 127.0.0.1:${port} 2>&1 | tail -n 1
  else
    echo 'nothing here can ask it: install curl, kubectl or openssl'
  fi
}
is_ready() {
  if ! q_serves; then why='nothing listens on port ${port}'; return 1; fi
  why=$(ask 2>&1)
  [ "$why" = ok ] || { why=\${why:-it does not answer}; return 1; }
  why=
}`;
}

function gate(want: Want): string {
  return `${ask(want)}
${PROCESSES}
is_new() { # it has begun after the manifest was written, and the one before has ended: that would answer in its place
  pids=$(q_pids kube-apiserver)
  why="the kubelet has not started the API server of $manifest"
  [ -n "$pids" ] || return 1
  for pid in $pids; do
    age=$(q_age "$pid") || return 1
    [ "$age" -le $(($(date +%s) - $(stat -c %Y "$manifest"))) ] && continue
    why="the API server of the manifest before still runs (pid $pid)"
    return 1
  done
}
end=$(($(date +%s) + ${want.timeout}))
until find_missing || { is_new && is_ready; }; do
  if [ "$(date +%s)" -ge "$end" ]; then
    printf 'waited ${want.timeout} s for the API server: %s; journalctl -u kubelet and /var/log/pods say why\\n' "$why" >&2
    exit 1
  fi
  sleep 0.5 2>/dev/null || sleep 1
done
if find_missing; then echo "there is no $missing, so the kubelet does not start it" >&2; exit 1; fi`;
}
