// One run at a time per cluster: a lock on a majority of its members, held by the program loader of each connection.
import { quote } from '../shell/quote.ts';
import { HOST_LOCKS } from './places.ts';

/** A lock whose heartbeat is older than this may be taken over. Seconds of the host's own clock. */
export const STALE_SECONDS = 60;
/** How often the controller touches its locks. Milliseconds. */
export const HEARTBEAT_MS = 15_000;

export interface LockClaim {
  /** The cluster, or `host` for a host that is in none. */
  name: string;
  run: string;
  /** Who runs the controller, for whoever finds the lock: `user@machine`. */
  holder: string;
}

function lockFile(name: string): string {
  return `${HOST_LOCKS}/${name}.lock`;
}

/**
 * Takes the lock, or says who holds it. Prints `locked`, or `held RUN HOLDER AGE alive|gone`.
 *
 * The lock names the loader's process group (`$$` is the loader, its start time tells a reused pid apart). A lock whose
 * loader is gone is free. One whose heartbeat is stale is taken over, after its process group has been ended, so that
 * what a lost controller started cannot write beside its successor.
 */
export function acquireScript(claim: LockClaim): string {
  return `
${LOCK_FUNCTIONS}
q_acquire ${quote(lockFile(claim.name))} ${quote(claim.run)} ${quote(claim.holder)}`;
}

/** Prints what `show` needs: nothing where there is no lock, else as {@link acquireScript} does for a held one. */
export function showScript(name: string): string {
  return `
${LOCK_FUNCTIONS}
q_show ${quote(lockFile(name))}`;
}

/** Ends the process group of `run` and moves its lock aside; another run's lock is left alone, and named. */
export function breakScript(name: string, run: string): string {
  return `
${LOCK_FUNCTIONS}
q_lock=${quote(lockFile(name))}
q_read "$q_lock" 2>/dev/null || { echo free; exit 0; }
if [ "$q_run" != ${quote(run)} ]; then printf 'held by run %s, which was not named: left alone\\n' "$q_run"; exit 0; fi
q_broken=$q_holder
q_take_away "$q_lock" ${quote(run)}
printf 'broken: run %s of %s\\n' ${quote(run)} "$q_broken"`;
}

/** Run by the loader when its stream ends, for whatever reason: gives back this run's own lock and no other. */
export function releaseScript(claim: LockClaim): string {
  const file = quote(lockFile(claim.name));
  return `if read -r q_owner _ < ${file} && [ "$q_owner" = ${quote(claim.run)} ]; then rm -f ${file}; fi 2>/dev/null`;
}

/** Keeps this run's lock fresh. */
export function heartbeatScript(claim: LockClaim): string {
  const file = quote(lockFile(claim.name));
  return `if read -r q_owner _ < ${file} && [ "$q_owner" = ${quote(claim.run)} ]; then touch ${file}; fi 2>/dev/null`;
}

export type LockAnswer =
  | { state: 'locked' }
  | { state: 'free' }
  | { state: 'held'; run: string; holder: string; ageSeconds: number; alive: boolean };

export function parseLockAnswer(stdout: Uint8Array): LockAnswer {
  const [state, run = '', holder = '', age = '0', alive] = new TextDecoder().decode(stdout).trim().split(' ');
  if (state === 'locked') return { state: 'locked' };
  if (state === 'held') return { state: 'held', run, holder, ageSeconds: Number(age), alive: alive === 'alive' };
  return { state: 'free' };
}

/** How many of a cluster's members must be locked before anything is written to one of them. */
export function lockMajority(members: number): number {
  return Math.floor(members / 2) + 1;
}

// The file holds one line: RUN HOLDER PID START PGID BOOT. It is made whole beside its place and linked into it,
// which fails if another is there: no moment at which a lock is there but empty.
const LOCK_FUNCTIONS = `
q_start_of() { # field 22 of /proc/PID/stat, counted after the command's closing parenthesis
  { read -r q_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  q_stat=\${q_stat##*) }
  set -- $q_stat
  [ $# -ge 20 ] || return 1
  q_pgid=$3; shift 19; q_started=$1
}
q_read() { read -r q_run q_holder q_pid q_start q_group q_boot < "$1"; }
q_alive() { [ "$q_boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && q_start_of "$q_pid" && [ "$q_started" = "$q_start" ]; }
q_age() { q_now=$(date +%s); q_touched=$(stat -c %Y "$1" 2>/dev/null) || q_touched=$q_now; q_old=$((q_now - q_touched)); }
q_end_holder() {
  q_alive || return 0
  q_theirs=$q_group
  q_start_of $$ && [ "$q_pgid" = "$q_theirs" ] && return 0
  kill -TERM "-$q_theirs" 2>/dev/null
  for q_try in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "-$q_theirs" 2>/dev/null || return 0
    sleep 0.1 2>/dev/null || sleep 1
  done
  kill -KILL "-$q_theirs" 2>/dev/null
}
q_set_aside() { mv -f "$1" "$1.broken" 2>/dev/null; }
q_take_away() { # LOCK RUN: ends that run, which was just read, and moves its lock aside
  q_end_holder
  # That may have made it give its lock back, and somebody else may have it already.
  q_run=; q_read "$1" 2>/dev/null
  [ "$q_run" != "$2" ] || q_set_aside "$1"
}
q_take_over() { # LOCK NEW: one contender at a time, and only what is still the lock that was judged
  if ! ln "$2" "$1.takeover" 2>/dev/null; then
    q_age "$1.takeover"; [ "$q_old" -lt ${STALE_SECONDS} ] || rm -f "$1.takeover"
    sleep 0.1 2>/dev/null || sleep 1
    return 0
  fi
  q_take_away "$1" "$q_run"
  rm -f "$1.takeover"
}
q_show() {
  q_read "$1" 2>/dev/null || return 0
  q_age "$1"
  if q_alive; then q_state=alive; else q_state=gone; fi
  printf 'held %s %s %s %s\\n' "$q_run" "$q_holder" "$q_old" "$q_state"
}
q_acquire() {
  umask 077; [ -d "\${1%/*}" ] || mkdir -p "\${1%/*}"
  q_start_of $$
  read -r q_thisboot < /proc/sys/kernel/random/boot_id
  q_new=$1.$2
  printf '%s %s %s %s %s %s\\n' "$2" "$3" "$$" "$q_started" "$q_pgid" "$q_thisboot" > "$q_new" || return 1
  for q_round in 1 2 3 4 5 6 7 8 9 10; do
    if ln "$q_new" "$1" 2>/dev/null; then rm -f "$q_new"; echo locked; return 0; fi
    q_read "$1" 2>/dev/null || continue
    if [ "$q_run" = "$2" ]; then touch "$1"; rm -f "$q_new"; echo locked; return 0; fi
    q_age "$1"
    if q_alive && [ "$q_old" -lt ${STALE_SECONDS} ]; then
      rm -f "$q_new"; printf 'held %s %s %s alive\\n' "$q_run" "$q_holder" "$q_old"; return 0
    fi
    q_take_over "$1" "$q_new"
  done
  # Somebody else is just taking it over.
  rm -f "$q_new"; printf 'held %s %s %s alive\\n' "\${q_run:-unknown}" "\${q_holder:-unknown}" "\${q_old:-0}"
}
`;
