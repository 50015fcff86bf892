// kubernetes.pods_ended: nothing of these static pods runs any more.
import type { Module } from '../module.ts';
import { componentsProperty, PROCESSES, parseRunning, readRunning } from './processes.sh.ts';

type Id = { components: string[] };
type Want = Id & { timeout: number };

export const kubernetesPodsEnded: Module<Id, Want, string[]> = {
  name: 'kubernetes.pods_ended',
  schema: {
    type: 'object',
    description:
      'The containers of these static pods have ended. A kubelet that stops leaves them running: this ends their programs as the runtime would (TERM, and KILL after the timeout), and then, where crictl or ctr can ask the runtime for it, what holds the pods together. No data is touched. Let it require what stops the kubelet, which would start them again.',
    properties: {
      components: componentsProperty,
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 600,
        description: 'How long a program may take to end by itself. Seconds',
        default: 30,
        examples: [60],
      },
    },
    required: ['components'],
    additionalProperties: false,
    examples: [{ components: ['kube-apiserver', 'etcd'] }],
  },
  claims: () => undefined,
  read: ({ components }) => readRunning(components),
  parse: ({ stdout }) => parseRunning(stdout),
  diff: (_want, running) => running.map((name) => ({ path: name, before: 'runs', after: null })),
  expect: () => [],
  // Constant: which of them run may rightly change with what the same run did before, and the write looks again itself.
  fingerprint: () => 'pods',
  // Not only what the plan saw: a container that failed just then has come back meanwhile.
  write: ({ components, timeout }) => ({ script: endPods(components, timeout) }),
};

function endPods(components: string[], timeout: number): string {
  return `${PROCESSES}
pids() { for each in ${components.join(' ')}; do q_pids "$each"; done; }
end=$(($(date +%s) + ${timeout}))
killed=
for pid in $(pids); do kill "$pid" 2>/dev/null; done
while left=$(pids) && [ -n "$left" ]; do
  if [ "$(date +%s)" -ge "$end" ]; then
    if [ -n "$killed" ]; then
      echo "these processes do not end, not even by SIGKILL:" $left >&2
      exit 1
    fi
    killed=yes end=$((end + 10))
    for pid in $left; do kill -9 "$pid" 2>/dev/null; done
  fi
  sleep 0.2 2>/dev/null || sleep 1
done
# What holds a pod together does no harm, and the kubelet clears it away if it ever comes back: no reason to fail.
if command -v crictl >/dev/null; then
  for each in ${components.join(' ')}; do
    for pod in $(crictl pods --quiet --state ready --namespace kube-system --label component=$each 2>/dev/null); do
      crictl stopp "$pod" >/dev/null 2>&1
    done
  done
elif command -v ctr >/dev/null; then
  for each in ${components.join(' ')}; do
    for pod in $(ctr -n k8s.io containers ls -q 'labels."io.cri-containerd.kind"==sandbox,labels."component"=='"$each" 2>/dev/null); do
      ctr -n k8s.io tasks kill -s SIGKILL "$pod" >/dev/null 2>&1
    done
  done
fi
:`;
}
