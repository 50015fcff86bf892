// What a host says of itself. Read in every probe, in its own shell, so it forks as little as it can.
import type { ValueMap } from '../value.ts';

/** Prints `name=value` lines, a value never contains a newline; then what `ip` says of addresses. Sets `q_clock`, in seconds. */
export const FACTS_SCRIPT = `
read -r q_host < /proc/sys/kernel/hostname
printf 'hostname=%s\\n' "$q_host"
if [ -r /etc/os-release ]; then (
  . /etc/os-release
  printf 'os=%s\\nos_version=%s\\nos_name=%s\\n' "$ID" "\${VERSION_ID-}" "\${PRETTY_NAME-}"
) fi
read -r q_kernel < /proc/sys/kernel/osrelease
# Only since Linux 6.1.
{ read -r q_arch < /proc/sys/kernel/arch; } 2>/dev/null || q_arch=$(uname -m)
printf 'kernel=%s\\narch=%s\\n' "$q_kernel" "$q_arch"
if [ -d /run/systemd/system ]; then echo init=systemd; else read -r q_init < /proc/1/comm; printf 'init=%s\\n' "$q_init"; fi
q_clock=$(date +%s.%N)
printf 'clock=%s\\n' "$q_clock"
q_clock=\${q_clock%%.*}
while read -r q_name q_size _; do
  case $q_name in MemTotal:) printf 'memory_kib=%s\\n' "$q_size"; break;; esac
done < /proc/meminfo
q_cpus=0
while read -r q_name _; do
  case $q_name in processor) q_cpus=$((q_cpus + 1));; esac
done < /proc/cpuinfo
printf 'cpus=%s\\n' "$q_cpus"
if command -v ip >/dev/null; then ip -o addr show scope global 2>/dev/null; fi
:
`;

const NUMBERS = new Set(['clock', 'memory_kib', 'cpus']);

/**
 * Facts as templates see them: `facts.os`, `facts.addresses`, `facts.interfaces` (the addresses of each),
 * `facts.memory_kib` (KiB), `facts.clock` (Unix seconds).
 */
export function parseFacts(stdout: Uint8Array): ValueMap {
  const facts: ValueMap = {};
  const addresses: string[] = [];
  const interfaces = new Map<string, string[]>();
  for (const line of new TextDecoder().decode(stdout).split('\n')) {
    const [, of, address] = /^\d+: +([^\s@]+)\S* +inet6? +([^\s/]+)/.exec(line) ?? [];
    if (of !== undefined && address !== undefined) {
      addresses.push(address);
      interfaces.set(of, [...(interfaces.get(of) ?? []), address]);
      continue;
    }
    const at = line.indexOf('=');
    if (at < 1) continue;
    const name = line.slice(0, at);
    const value = line.slice(at + 1);
    facts[name] = NUMBERS.has(name) ? Math.floor(Number.parseFloat(value)) : value;
  }
  return { ...facts, addresses, interfaces: Object.fromEntries(interfaces) };
}

/** The controller's clock when a host was asked for its own, and when it had answered. Milliseconds since 1970. */
export interface Asked {
  from: number;
  to: number;
}

/**
 * How far the host's clock is ahead of the controller's, in milliseconds: half the round trip either way is not known, nor
 * is, where `date` knows no nanoseconds (busybox), the fraction of a second.
 */
export function parseClock(stdout: Uint8Array, { from, to }: Asked): { atLeast: number; atMost: number } | undefined {
  const [, seconds, fraction] = /^clock=(\d+)(?:\.(\d+))?/m.exec(new TextDecoder().decode(stdout)) ?? [];
  if (seconds === undefined) return undefined;
  const clock = Number(seconds) * 1000 + (fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000);
  return { atLeast: clock - to, atMost: clock - from + (fraction === undefined ? 1000 : 0) };
}
