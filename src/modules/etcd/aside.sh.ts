// What a host runs to move a member's data aside, and back: renames on one file system, never a copy and never a removal.
import { listensOn } from '../../etcd/etcdctl.sh.ts';
import { READ_FLAT } from '../../etcd/flat.sh.ts';
import { ledgerFile } from '../../etcd/ledger.ts';
import { quote } from '../../shell/quote.ts';
import { CONTENT, findRunning } from './content.sh.ts';

export interface Aside {
  cluster: string;
  dataDir: string;
  walDir: string | null;
  run: string;
  /** On which nothing may listen. */
  ports: readonly number[];
}

/** Where the ledger of before is kept for whoever takes the restore back. */
export function keptLedger({ cluster, run }: Pick<Aside, 'cluster' | 'run'>): string {
  return `/var/lib/quorate/restores/${run}/${cluster}.json`;
}

// A directory that is a mount cannot be renamed: what is in it goes into one of its own directories. What file systems
// and Quorate have in it stays.
const MOVE = `
q_is_mount() { [ -d "$1" ] && [ "$(stat -c %d "$1")" != "$(stat -c %d "$1/..")" ]; }
q_beside() { # DIRECTORY SUFFIX: sets q_place, where it is kept under that suffix
  q_place=$1.$2
  ! q_is_mount "$1" || q_place=$1/.$2
}
q_is_kept() { # DIRECTORY SUFFIX
  q_beside "$1" "$2"
  if [ "$q_place" = "$1/.$2" ]; then [ -e "$q_place/.whole" ]; else [ -e "$q_place" ]; fi
}
q_put_aside() { # DIRECTORY SUFFIX: what is in it; the member last, so that it is there or moved
  q_beside "$1" "$2"
  if [ "$q_place" != "$1/.$2" ]; then
    [ ! -e "$q_place" ] || { echo "$q_place is there already" >&2; return 1; }
    mv -nT -- "$1" "$q_place" && [ ! -e "$1" ] && q_sync "\${1%/*}/"
    return
  fi
  (umask 077 && mkdir -p "$q_place") || return
  for q_entry in "$1"/* "$1"/.[!.]*; do
    case \${q_entry##*/} in lost+found | .quorate-trash | .new-* | .pre-* | .restored-* | member) continue ;; esac
    [ ! -e "$q_entry" ] || mv -n -- "$q_entry" "$q_place/" || return
  done
  [ ! -e "$1/member" ] || mv -nT -- "$1/member" "$q_place/member" || return
  : >"$q_place/.whole" && q_sync "$q_place/.whole" "$q_place" "$1"
}
q_put_back() { # DIRECTORY SUFFIX: what was put aside under it
  q_beside "$1" "$2"
  if [ "$q_place" != "$1/.$2" ]; then
    [ ! -e "$1" ] || { echo "$1 is there already" >&2; return 1; }
    mv -nT -- "$q_place" "$1" && [ ! -e "$q_place" ] && q_sync "\${1%/*}/"
    return
  fi
  rm -f "$q_place/.whole"
  for q_entry in "$q_place"/* "$q_place"/.[!.]*; do
    case \${q_entry##*/} in member) continue ;; esac
    [ ! -e "$q_entry" ] || mv -n -- "$q_entry" "$1/" || return
  done
  [ ! -e "$q_place/member" ] || mv -nT -- "$q_place/member" "$1/member" || return
  rmdir -- "$q_place" && q_sync "$1"
}`;

/**
 * The first line, its parts between tabs: data, log (see {@link CONTENT}), then yes or no: whether each is kept from before
 * the restore, whether the restored data is kept; what still runs. Then the ledger that is kept, and that in force, a line
 * each.
 */
export function readAside(aside: Aside): string {
  const { cluster, dataDir, walDir, run, ports } = aside;
  const listening = ports.map((port) => `! ${listensOn(port)} || q_running="$q_running port:${port}"`);
  return `${READ_FLAT}${CONTENT}${MOVE}
data=${quote(dataDir)} wal=${quote(walDir ?? '')}
q_content "$data"; q_data=$q_is
q_wal=none
if [ -n "$wal" ]; then q_content "$wal"; q_wal=$q_is; fi
q_pre=no; ! q_is_kept "$data" pre-${run} || q_pre=yes
q_prewal=no; [ -z "$wal" ] || ! q_is_kept "$wal" pre-${run} || q_prewal=yes
q_after=no; ! q_is_kept "$data" restored-${run} || q_after=yes
${findRunning(dataDir)}
${listening.join('\n')}
q_flat ${quote(keptLedger(aside))}; q_kept=$q_text
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n%s\\n' "$q_data" "$q_wal" "$q_pre" "$q_prewal" "$q_after" "\${q_running# }" "$q_kept"
q_flat ${quote(ledgerFile(cluster))}
printf '%s\\n' "$q_text"`;
}

/** The log first: without its data nothing plays it. The ledger is copied before, once. */
export function writeAside({ cluster, dataDir, walDir, run }: Aside): string {
  const kept = keptLedger({ cluster, run });
  return `${MOVE}
data=${quote(dataDir)} wal=${quote(walDir ?? '')} ledger=${quote(ledgerFile(cluster))} kept=${quote(kept)}
(umask 077 && mkdir -p "\${kept%/*}") || exit
if [ -e "$ledger" ] && [ ! -e "$kept" ]; then
  cp "$ledger" "$kept.part" && q_sync "$kept.part" && mv "$kept.part" "$kept" && q_sync "\${kept%/*}" || exit
fi
if [ -n "$wal" ] && [ -e "$wal" ] && ! q_is_kept "$wal" pre-${run}; then q_put_aside "$wal" pre-${run} || exit; fi
[ ! -e "$data" ] || q_is_kept "$data" pre-${run} || q_put_aside "$data" pre-${run}`;
}

/** What was restored goes aside, what was there before comes back; each by itself is done or not, so it can be begun again. */
export function writeBack({ dataDir, walDir, run }: Aside): string {
  return `${MOVE}
data=${quote(dataDir)} wal=${quote(walDir ?? '')}
q_swap() { # DIRECTORY
  if [ -e "$1" ] && ! q_is_kept "$1" restored-${run}; then q_put_aside "$1" restored-${run} || return; fi
  ! q_is_kept "$1" pre-${run} || q_put_back "$1" pre-${run}
}
[ -z "$wal" ] || q_swap "$wal" || exit
q_swap "$data" || exit`;
}
