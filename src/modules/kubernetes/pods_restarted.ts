// kubernetes.pods_restarted: these static pods begin anew, without another manifest.
import { quote } from '../../shell/quote.ts';
import type { Module } from '../module.ts';
import { componentsProperty, PROCESSES, parseRunning, readRunning } from './processes.sh.ts';

type Id = { components: string[] };
/** `done`: this very run has begun them anew. */
type Seen = { running: string[]; done: boolean };
type Want = Id & { kubelet: string; timeout: number };

export const kubernetesPodsRestarted: Module<Id, Want, Seen> = {
  name: 'kubernetes.pods_restarted',
  schema: {
    type: 'object',
    description:
      'The containers of these static pods are ended, and the kubelet starts them again: each apply does so. The manifests stay as they are, so nothing is left to change back. The kubelet is restarted, because it puts off the start of what has ended several times within ten minutes, and forgets that when it restarts; other containers go on.',
    properties: {
      components: componentsProperty,
      kubelet: {
        type: 'string',
        pattern: '^[A-Za-z0-9_][A-Za-z0-9:_.@-]*$',
        description: "The name of the kubelet's systemd unit",
        default: 'kubelet',
        examples: ['kubelet'],
      },
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 3600,
        description:
          'How long to wait until all of them run again. Seconds; the limit of one program (--program-limit) must be longer',
        default: 100,
        examples: [300],
      },
    },
    required: ['components'],
    additionalProperties: false,
    examples: [{ components: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] }],
  },
  proves: true,
  claims: () => undefined,
  // Only an apply has a run: in a plan nothing is ever done, and in the proof what this run has done is.
  read: ({ components }) => `${readRunning(components)}
if [ -n "\${Q_RUN-}" ] && [ -e ${noteOf(components)} ]; then echo done; fi`,
  parse: ({ stdout }) => ({
    running: parseRunning(stdout),
    done: new TextDecoder().decode(stdout).split('\n')[2] === 'done',
  }),
  diff: ({ components }, { running, done }) =>
    done
      ? []
      : components.map((name) => ({ path: name, before: running.includes(name) ? 'runs' : null, after: 'runs anew' })),
  expect: ({ components }) => ({ running: components, done: true }),
  fingerprint: () => 'pods',
  write: (want) => ({ script: restartPods(want) }),
};

/** Where a host notes that the run has begun them anew: a word of sh. */
function noteOf(components: string[]): string {
  return `"$Q_HOME/runs/$Q_RUN/restarted-${components.join('+')}"`;
}

/** All are ended before any is waited for: they come back side by side. */
function restartPods({ components, kubelet, timeout }: Want): string {
  return `${PROCESSES}
former=
for each in ${components.join(' ')}; do
  for pid in $(q_pids "$each"); do former="$former $pid" && kill "$pid" 2>/dev/null; done
done
systemctl restart --no-ask-password -- ${quote(kubelet)} || exit
anew() { for pid in $(q_pids "$1"); do case " $former " in *" $pid "*) ;; *) return 0 ;; esac; done; return 1; }
end=$(($(date +%s) + ${timeout}))
for each in ${components.join(' ')}; do
  until anew "$each"; do
    if [ "$(date +%s)" -ge "$end" ]; then
      echo "the kubelet has not started $each again within ${timeout} s: journalctl -u kubelet says why" >&2
      exit 1
    fi
    sleep 0.5 2>/dev/null || sleep 1
  done
done
(umask 077 && mkdir -p "$Q_HOME/runs/$Q_RUN" && : >${noteOf(components)})`;
}
