// The containers of static pods, as the host's processes: whatever runtime started them, /proc shows them.
import type { ParameterProperty } from '../module.ts';

/** The static pods of a master, by their label `component`. */
const COMPONENTS = [
  'etcd',
  'etcd-events',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-addon-manager',
];

export const componentsProperty: ParameterProperty = {
  type: 'array',
  items: { enum: COMPONENTS },
  minItems: 1,
  uniqueItems: true,
  description: 'The pods, by their label component',
  examples: [['kube-apiserver', 'etcd']],
  'x-identity': true,
};

/** `q_age PID`: how long it has run, in seconds. The 22nd word is when it began, in hundredths of a second since the boot. */
export const PROCESS_AGE = `
q_age() {
  q_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- \${q_stat##*) }
  read -r q_uptime q_idle </proc/uptime
  echo $((\${q_uptime%.*} - \${20} / 100))
}`.trimStart();

/**
 * `q_pids COMPONENT`: the processes of this name that a container runtime has started, one a line; an etcd of systemd's
 * is none. The kernel keeps 15 letters of a name. Two pods are not called as their program.
 */
export const PROCESSES = `
q_pids() {
  case $1 in etcd-events) q_comm=etcd ;; kube-addon-manager) q_comm=kube-addons-main.sh ;; *) q_comm=$1 ;; esac
  q_comm=$(printf %.15s "$q_comm")
  for q_process in /proc/[0-9]*; do
    { read -r q_name <"$q_process/comm"; } 2>/dev/null && [ "$q_name" = "$q_comm" ] || continue
    q_stat=$(cat "$q_process/stat" 2>/dev/null) || continue
    set -- \${q_stat##*) }
    [ "$1" != Z ] && { read -r q_parent <"/proc/$2/comm"; } 2>/dev/null || continue
    case $q_parent in containerd-shim* | conmon* | docker-contain*) echo "\${q_process#/proc/}" ;; esac
  done
}
${PROCESS_AGE}`.trimStart();

/** Prints `pods`, and then on one line which of the components run. */
export function readRunning(components: string[]): string {
  return `${PROCESSES}
running=
for each in ${components.join(' ')}; do [ -z "$(q_pids "$each")" ] || running="$running $each"; done
printf 'pods\\n%s\\n' "\${running# }"`;
}

/** Throws on what {@link readRunning} never prints. */
export function parseRunning(stdout: Uint8Array): string[] {
  const [first, running] = new TextDecoder().decode(stdout).split('\n');
  if (first !== 'pods' || running === undefined) throw new Error(`not a list of pods: ${first}`);
  return running === '' ? [] : running.split(' ');
}
