// Reading the files that say how a host's etcd is started, in one go: a manifest, or a unit with all that belongs to it.
import type { LaunchFile } from '../../etcd/settings/launch.ts';
import { quote } from '../../shell/quote.ts';
import { takeLine } from '../file/entry.ts';

/** `set -- KIND:PATH …` of a unit; a path with a space in it is no path of ours. */
export const FILES_OF_UNIT = (service: string) => `set -- $(
  systemctl show ${quote(`${service}.service`)} -p FragmentPath -p DropInPaths -p EnvironmentFiles 2>/dev/null | sed -n \\
    -e 's|^FragmentPath=/|1unit:/|p' -e 's|^EnvironmentFiles=\\(/.*\\) (ignore_errors=.*|3environment:\\1|p' \\
    -e '/^DropInPaths=./{s|^DropInPaths=|2drop-in:|;s| /| 2drop-in:/|g;p;}' | tr ' ' '\\n' | sort -s -k1.1,1.1 | cut -c 2-)`;

/**
 * Prints of the files `KIND:PATH …` a line of fingerprints, which begins with the version of the unit's program where
 * `asks` and else with `-`, and then each whole, behind a line of its own.
 */
export function printFiles(asks: boolean): string {
  const version = `q_program=
for file; do
  case $file in unit:*|drop-in:*) q_line=$(sed -n 's/^[[:space:]]*ExecStart=[-@:+!|]*\\([^[:space:]]*\\).*/\\1/p' "\${file#*:}" | tail -n 1) ;; *) continue ;; esac
  [ -z "$q_line" ] || q_program=$q_line
done
[ ! -x "$q_program" ] || version=$("$q_program" --version 2>/dev/null | sed -n 's/^etcd Version: *//p')
`;
  return `version=-
${asks ? version : ''}sums=
for file; do
  [ -f "\${file#*:}" ] || continue
  sum=$(sha256sum <"\${file#*:}") || exit
  sums="$sums \${sum%% *} \${file#*:}"
done
printf '%s%s\\n' "\${version:--}" "$sums"
for file; do
  [ -f "\${file#*:}" ] || continue
  printf '%s %s %s\\n' "\${file%%:*}" "$(stat -c %s "\${file#*:}")" "\${file#*:}" && cat "\${file#*:}" || exit
done`;
}

/** What {@link printFiles} printed. Throws where it is something else. */
export function parseLaunchFiles(stdout: Uint8Array): { files: LaunchFile[]; version?: string } {
  const [first, afterFirst] = takeLine(stdout);
  const version = first.split(' ')[0];
  const files: LaunchFile[] = [];
  for (let rest = afterFirst; rest.length > 0; ) {
    const [line, bytes] = takeLine(rest);
    const [, kind, size, path] = /^(manifest|unit|drop-in|environment) (\d+) (\/.*)$/.exec(line) ?? [];
    if (kind === undefined || bytes.length < Number(size)) throw new Error(`not a file of etcd: ${line}`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, Number(size)));
    files.push({ kind: kind as LaunchFile['kind'], path: path!, text });
    rest = bytes.subarray(Number(size));
  }
  return { files, ...(version === undefined || version === '-' ? {} : { version }) };
}
