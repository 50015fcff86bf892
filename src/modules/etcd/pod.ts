// etcd.pod: a member that the kubelet runs has its turn: its etcd becomes the one of the present manifest and CA.
import { ETCD_PIDS, worksOn } from '../../etcd/etcdctl.sh.ts';
import { quote } from '../../shell/quote.ts';
import { pathProperty } from '../file/path.ts';
import { PROCESS_AGE } from '../kubernetes/processes.sh.ts';
import type { Module } from '../module.ts';

type Id = { manifest: string; ca: string; data_dir: string };
type Want = Id & { patience: number; timeout: number };

export const etcdPod: Module<Id, Want, 'asked'> = {
  name: 'etcd.pod',
  schema: {
    type: 'object',
    description:
      'The etcd of a static pod, for what watches its manifest and its CA. When one of them changes it waits until the kubelet has ended the etcd from before and started the one of the manifest: whoever asked the member sooner would be answered by the old one. A changed CA is in no manifest, so this ends an etcd that is older than that, and the kubelet starts it again. A kubelet that has not reached its API server since its own start ends no pod: then this does, after the patience. Without a change it does nothing.',
    properties: {
      manifest: pathProperty('The manifest of the static pod', '/etc/kubernetes/manifests/etcd.yaml'),
      ca: pathProperty('The CA that etcd reads when it starts', '/etc/kubernetes/pki/etcd/ca.crt'),
      data_dir: pathProperty("The member's data, by which its process is known", '/var/lib/etcd'),
      patience: {
        type: 'integer',
        minimum: 0,
        maximum: 600,
        description: 'How long after the change of the manifest the kubelet may take to end the former etcd. Seconds',
        default: 15,
        examples: [15],
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
    required: ['manifest', 'ca', 'data_dir'],
    additionalProperties: false,
    examples: [
      {
        manifest: '/etc/kubernetes/manifests/etcd.yaml',
        ca: '/etc/kubernetes/pki/etcd/ca.crt',
        data_dir: '/var/lib/etcd',
      },
    ],
  },
  reacts: true,
  proves: true,
  claims: () => undefined,
  read: () => 'echo asked',
  parse: () => 'asked',
  diff: () => [],
  expect: () => 'asked',
  fingerprint: () => 'asked',
  write: (want) => ({ script: turn(want) }),
};

function turn({ manifest, ca, data_dir: data, patience, timeout }: Want): string {
  return `${ETCD_PIDS}
${PROCESS_AGE}
manifest=${quote(manifest)} ca=${quote(ca)}
age() { echo $(($(date +%s) - $(stat -c %Y "$1"))); }
# The kubelet mounts a file of the pod into each container.
pod_of() { sed -n 's|.*/pods/\\([0-9a-f-]*\\)/containers/.*|\\1|p' "/proc/$1/mountinfo" 2>/dev/null | head -n 1; }
look() { # former: older than the manifest, or of such a pod; stale: older than the CA; present: neither
  former= stale= present=
  for q_pid in $(q_etcd_pids); do
    { ${worksOn(data)}; } && begun=$(q_age "$q_pid") || continue
    pod=$(pod_of "$q_pid")
    older=$((begun - $(age "$manifest")))
    if [ "$older" -gt 0 ]; then
      former="$former $q_pid"
      # Ages are whole seconds, each up to one off: only what is surely older gives its pod away.
      [ "$older" -eq 1 ] || pods="$pods \${pod:-none}"
    # A kubelet that was just about to look after the former pod starts it once more, and ends it some seconds later.
    elif [ -n "$pod" ] && [ "$pod" != "$own" ] && case " $pods " in *" $pod "*) ;; *) false ;; esac; then
      former="$former $q_pid"
    elif [ "$begun" -gt "$(age "$ca")" ]; then stale="$stale $q_pid"
    else present=$q_pid; fi
  done
}
own=$(pod_of self) told= pods= end=$(($(date +%s) + ${timeout}))
until look && [ -n "$present" ] && [ -z "$former$stale" ]; do
  if [ "$(date +%s)" -ge "$end" ]; then
    echo "within ${timeout} s the kubelet has not started the etcd of $manifest\${former:+, and the one from before still runs (pid$former)}: journalctl -u kubelet says why (an image that cannot be pulled, a directory that is missing)" >&2
    exit 1
  fi
  [ "$(age "$manifest")" -ge ${patience} ] || former=
  for q_pid in $stale $former; do
    # Once: a second signal would break off its orderly end.
    case " $told " in *" $q_pid "*) ;; *) told="$told $q_pid" && kill "$q_pid" 2>/dev/null ;; esac
  done
  sleep 0.5 2>/dev/null || sleep 1
done`;
}
