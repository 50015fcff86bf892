// A directory of root's alone on a host, which belongs to one connection: what is left by one that is gone is taken away.
import { quote } from '../../shell/quote.ts';

/** `q_started PID` prints when that process began, in the kernel's own ticks, and fails where there is none. */
const STARTED = `
q_started() { q_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; set -- \${q_stat##*) }; shift 19; echo "$1"; }
read -r q_boot </proc/sys/kernel/random/boot_id`;

/** `q_held FOLDER` says whether the connection is still there that the folder belongs to. */
export const HELD = `${STARTED}
q_held() {
  { read -r q_pid q_start q_theirs <"$1/holder"; } 2>/dev/null || return 1
  [ "$q_theirs" = "$q_boot" ] && [ "$(q_started "$q_pid")" = "$q_start" ]
}`;

/** Ends the processes that work in `$q_old`, as the kernel names the place. */
const END_THOSE_WITHIN = `
q_end_within() {
  for q_work in /proc/[0-9]*; do
    case $(readlink "$q_work/cwd" 2>/dev/null)/ in "$q_old"/*) kill -KILL "\${q_work#/proc/}" ;; esac
  done
}`;

/**
 * Makes `PARENT/NAME`, and ends the script with 1 where it cannot. What the parent has of connections that are gone, as of a host
 * that lost its power, goes first, with what still runs in it. `holder` says whose a directory is; it is made whole
 * beside its place, so that no directory is without one.
 */
export function claimFolder(parent: string, name: string): string {
  return `${HELD}${END_THOSE_WITHIN}
umask 077
mkdir -p ${quote(parent)} || exit 1
chmod 700 ${quote(parent)} || exit 1
for q_old in ${quote(parent)}/*; do
  [ -f "$q_old/holder" ] && [ ! -L "$q_old" ] || continue
  q_held "$q_old" || { q_end_within; rm -rf -- "$q_old"; }
done
q_new=${quote(`${parent}/.new-`)}$$
mkdir "$q_new" && echo "$$ $(q_started $$) $q_boot" >"$q_new/holder" && mv "$q_new" ${quote(`${parent}/${name}`)} || exit 1`;
}
