// How a host's ledger is written: what it replaces stays in the trash.
import { ledgerFile } from '../../etcd/ledger.ts';
import { quote } from '../../shell/quote.ts';

/** Whole or not at all; the host's clock says when. What it replaces stays in the trash. */
export function writeLedger(cluster: string, text: string): string {
  return `file=${quote(ledgerFile(cluster))}
[ ! -e "$file" ] || q_keep "$file" || exit
(umask 077 && mkdir -p "\${file%/*}" && printf '%s\\n' ${quote(text.trimEnd())} | sed "s/\\"at\\": \\"\\"/\\"at\\": \\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"/" >"$file.part") &&
  q_sync "$file.part" && mv -f "$file.part" "$file" && q_sync "\${file%/*}/" || exit`;
}

/** Into the trash: the host has never been a member, as far as it knows. */
export function removeLedger(cluster: string): string {
  const file = quote(ledgerFile(cluster));
  return `[ ! -e ${file} ] || q_trash ${file} || exit`;
}
