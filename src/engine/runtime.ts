// Whether something else than the declared runtime runs a host's etcd member: two of them on one data directory fight over it.
import type { Refusal } from '../modules/module.ts';
import { quote } from '../shell/quote.ts';
import type { ValueMap } from '../value.ts';

/**
 * Prints `runner PATH` for the file with which the other runtime runs etcd here. Reads files alone, so that it costs no
 * process: a unit that is enabled is linked from a target, and one that runs has a cgroup.
 */
export function otherRunnerScript(
  { etcd_runtime: runtime, etcd_manifest_dir: manifests }: ValueMap,
  service: string,
): string {
  if (runtime === 'systemd') {
    return typeof manifests === 'string' ? printIfThere(quote(`${manifests}/${service}.yaml`)) : '';
  }
  const unit = `${service}.service`;
  return `for q_file in /etc/systemd/system/*.wants/${unit} /sys/fs/cgroup/system.slice/${unit}; do
  [ ! -e "$q_file" ] || { echo 'runner ${unit}'; break; }
done`;
}

function printIfThere(file: string): string {
  return `[ ! -e ${file} ] || printf 'runner %s\\n' ${file}`;
}

/** `runner`: what {@link otherRunnerScript} has found. */
export function refuseOtherRunner(host: string, { etcd_runtime: declared }: ValueMap, runner: string): Refusal {
  const [is, away] =
    declared === 'systemd'
      ? [`the kubelet (${runner})`, `move ${runner} out of the kubelet's directory and wait until etcd has ended`]
      : [`systemd (${runner})`, `systemctl disable --now ${runner.replace(/\.service$/, '')}`];
  const other = declared === 'systemd' ? 'static_pod' : 'systemd';
  return {
    refused: `${is} runs the etcd member of ${host}, and ${String(declared)} is declared: both would run on one data directory`,
    next: `set etcd_runtime: ${other} again; or, to change over, on one host at a time while the others serve, the leader last: ${away}, then apply with -t ${host}`,
  };
}
