// What a host runs to say what a restore would find there, and to make a member of a snapshot.
import { ETCD_PIDS } from '../../etcd/etcdctl.sh.ts';
import { READ_FLAT } from '../../etcd/flat.sh.ts';
import { ledgerFile } from '../../etcd/ledger.ts';
import { FIND_PROGRAM } from '../../etcd/programs.sh.ts';
import { receiptName } from '../../etcd/snapshot/name.ts';
import { quote } from '../../shell/quote.ts';
import { CONTENT, findRunning } from './content.sh.ts';

export interface ReadRestored {
  cluster: string;
  dataDir: string;
  walDir: string | null;
  snapshot: string;
  binDir: string;
}

const LIMIT = `
q_limit() { q_seconds=$1; shift; if command -v timeout >/dev/null; then timeout -s KILL "$q_seconds" "$@"; else "$@"; fi; }`;

/**
 * The first line, its parts between tabs: data, member ids, log, what runs, snapshot, ledger. The snapshot is read whole
 * only where it may have to be restored. Then a line each: programs, `free KIB`, `receipt TEXT`.
 */
export function readRestored({ cluster, dataDir, walDir, snapshot, binDir }: ReadRestored): string {
  return `${ETCD_PIDS}${LIMIT}${FIND_PROGRAM}${READ_FLAT}${CONTENT}
data=${quote(dataDir)} wal=${quote(walDir ?? '')} snapshot=${quote(snapshot)}
q_content "$data"
q_data=$q_is q_ids= q_wal=none
if [ "$q_data" = member ]; then
  for q_snap in "$data"/member/snap/*.snap; do :; done
  [ ! -f "$q_snap" ] || q_ids=$(tr '"' '\\n' <"$q_snap" | sed -n 's|^/0/members/\\([0-9a-f]\\{1,16\\}\\)$|\\1|p' | sort -u | tr '\\n' ' ')
fi
if [ -n "$wal" ]; then q_content "$wal"; q_wal=$q_is; [ "$q_wal" = none ] || [ "$q_wal" = empty ] || q_wal=files; fi
${findRunning(dataDir)}
q_flat ${quote(ledgerFile(cluster))}
q_ledger=$q_text
q_known=no
for q_id in $q_ids; do case $q_ledger in *"\\"id\\": \\"$q_id\\""*) q_known=yes ;; esac; done
q_file=absent
if [ $q_known = yes ]; then q_file=unread
elif [ -f "$snapshot" ]; then
  q_size=$(stat -L -c %s "$snapshot")
  q_file="$q_size $(sha256sum <"$snapshot" | cut -d ' ' -f 1) damaged"
  if [ $((q_size % 512)) = 32 ]; then
    q_end=$(tail -c 32 "$snapshot" | od -An -v -tx1 | tr -d ' \\n')
    case $(head -c $((q_size - 32)) "$snapshot" | sha256sum) in "$q_end "*) q_file="\${q_file% *} whole" ;; esac
  fi
fi
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$q_data" "\${q_ids% }" "$q_wal" "\${q_running# }" "$q_file" "$q_ledger"
case $q_file in *' '*) ;; *) exit 0 ;; esac
for q_name in etcdctl etcdutl; do q_find_program ${quote(binDir)} "$q_name"; done
q_there=$data
while [ ! -e "$q_there" ]; do q_there=\${q_there%/*}; [ -n "$q_there" ] || q_there=/; done
df -Pk "$q_there" 2>/dev/null | { read -r q_head; read -r q_device q_blocks q_used q_free q_rest; echo "free $q_free"; }
! q_flat ${quote(receiptPath(snapshot))} || printf 'receipt %s\\n' "$q_text"`;
}

function receiptPath(snapshot: string): string {
  const at = snapshot.lastIndexOf('/') + 1;
  return snapshot.slice(0, at) + receiptName(snapshot.slice(at));
}

export interface WriteRestored {
  name: string;
  peerUrl: string;
  initialCluster: string;
  token: string;
  dataDir: string;
  walDir: string | null;
  snapshot: string;
  /** Path of the program. */
  tool: string;
  /** Absent: the tool cannot. */
  bump?: number;
  owner: string;
  group: string;
}

/**
 * Restores beside the place of the data, and renames when it is whole: the log first, so that the data is never there
 * without it. What an earlier restore has left of its own is all that is ever removed. A directory that is a mount
 * cannot be renamed to: there the restore is made in it, and what is in it renamed.
 */
export function writeRestored(options: WriteRestored): string {
  const { name, peerUrl, token, dataDir, walDir, snapshot, tool, bump, owner, group } = options;
  const flags = [
    `--name ${quote(name)} --initial-cluster ${quote(options.initialCluster)} --initial-cluster-token ${quote(token)}`,
    `--initial-advertise-peer-urls ${quote(peerUrl)}`,
    ...(bump === undefined ? [] : [`--bump-revision ${bump} --mark-compacted`]),
  ].join(' ');
  const own = quote(`${owner}:${group}`);
  return `data=${quote(dataDir)} wal=${quote(walDir ?? '')} snapshot=${quote(snapshot)}
q_is_mount() { [ -d "$1" ] && [ "$(stat -c %d "$1")" != "$(stat -c %d "$1/..")" ]; }
q_place() { # DIRECTORY: sets q_new, beside it or in it
  q_new=$1.new-$Q_RUN
  ! q_is_mount "$1" || q_new=$1/.new-$Q_RUN
  for q_old in "$1".new-[0-9]*T[0-9]*Z-* "$1"/.new-[0-9]*T[0-9]*Z-*; do [ ! -e "$q_old" ] || rm -rf -- "$q_old" || exit 1; done
  if [ -e "$q_new" ]; then echo "$q_new is there already, and is not of this run" >&2; exit 1; fi
}
q_fail() { rm -rf -- "$new" \${newwal:+"$newwal"}; echo "$1: nothing was put in place" >&2; exit 1; }
q_rename() { # FROM TO: an empty directory gives way
  [ ! -e "$2" ] || rmdir -- "$2" || return 1
  mv -- "$1" "$2" && q_sync "\${2%/*}/"
}
mkdir -p -- "\${data%/*}/" \${wal:+"\${wal%/*}/"} || exit 1
q_place "$data"; new=$q_new newwal=
if [ -n "$wal" ]; then q_place "$wal"; newwal=$q_new; fi
umask 077
env -i ETCDCTL_API=3 ${quote(tool)} snapshot restore "$snapshot" --data-dir "$new" \${newwal:+--wal-dir "$newwal"} ${flags} >&2 || q_fail 'the snapshot was not restored'
chown -R ${own} "$new" \${newwal:+"$newwal"} && chmod 700 "$new" \${newwal:+"$newwal"} || q_fail 'what was restored cannot be given to its user'
sync -f "$new" 2>/dev/null || sync
if [ -n "$wal" ]; then
  if q_is_mount "$wal"; then mv -- "$newwal"/* "$wal"/ && rmdir -- "$newwal" && chown ${own} "$wal" && chmod 700 "$wal" && q_sync "$wal"
  else q_rename "$newwal" "$wal"; fi || q_fail "$wal cannot be put in place"
fi
if q_is_mount "$data"; then
  chown ${own} "$data" && chmod 700 "$data" && mv -- "$new/member" "$data/member" && rmdir -- "$new" && q_sync "$data"
else q_rename "$new" "$data"; fi || q_fail "$data cannot be put in place"`;
}
