// How a program comes to a host, whatever it is of: pieces of the scripts of modules that install.
import { quote } from '../shell/quote.ts';

/**
 * `install FILE PROGRAM`: into $directory, if it is of $version, as the module's own `find_version FILE PROGRAM` says. The old
 * one stays in the trash.
 */
export const INSTALL = `
(umask 022 && mkdir -p "$directory") || exit
install() {
  new=$directory/.quorate-$2
  cp "$1" "$new" && chown 0:0 "$new" && chmod 0755 "$new" && q_sync "$new" || exit
  found=$(find_version "$new" "$2")
  if [ "$found" != "$version" ]; then
    rm -f "$new"
    printf '%s is version %s, not %s\\n' "$1" "$found" "$version" >&2
    exit 1
  fi
  if [ -e "$directory/$2" ] || [ -L "$directory/$2" ]; then q_keep "$directory/$2" || exit; fi
  mv -f "$new" "$directory/$2" && q_sync "$directory" || exit
}`.trimStart();

/** Sets `$archive`: `$1` as the controller has sent it, else the host's own; ends where its checksum is another. */
export function checkArchive(archive: string, sha256: string): string {
  return `archive=\${1-${quote(archive)}}
sum=$(sha256sum <"$archive") || exit
if [ "\${sum%% *}" != ${sha256} ]; then
  printf '%s has the sha256 %s, not %s\\n' ${quote(archive)} "\${sum%% *}" ${sha256} >&2
  exit 1
fi`;
}
