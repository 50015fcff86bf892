// Paths on a host: their form, and which ones must never be taken away.
import type { ParameterProperty } from '../module.ts';

/** Absolute and normalised: no `//`, no `.` or `..`, no slash at the end, no NUL. */
export const PATH_PATTERN = '^(/(?!\\.{1,2}(/|$))[^/\\u0000]+)+$';

/** The same, of a file that is sent: a program lists its temporaries line by line, so no line end in a directory. */
export const SENT_PATH_PATTERN = '^(/(?!\\.{1,2}/)[^/\\u0000\\n]+)*/(?!\\.{1,2}$)[^/\\u0000]+$';

export function pathProperty(description: string, example: string): ParameterProperty {
  return {
    type: 'string',
    pattern: PATH_PATTERN,
    description: `${description}. Absolute, without ".." or a slash at the end`,
    examples: [example],
    'x-identity': true,
  };
}

/** The directory that `path` is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Brings the directory of `$path` to the disk, so that a rename in it outlives a crash. */
export const SYNC_PARENT = `q_sync "\${path%/*}/"`;

/** Directories of the Filesystem Hierarchy Standard, and files without which nobody logs in again. */
const NEEDED_BY_THE_SYSTEM = new Set(
  `/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var
  /etc/group /etc/passwd /etc/shadow /etc/ssh /etc/sudoers /etc/systemd /etc/systemd/system
  /usr/bin /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/local/bin /usr/sbin /usr/share
  /var/cache /var/lib /var/lib/dpkg /var/lib/rpm /var/lib/systemd /var/log /var/run /var/spool /var/tmp`.split(/\s+/),
);

const KERNEL_TREES = ['/dev', '/proc', '/sys'];

/** Why `path` must not be moved away, if it must not. */
export function explainDanger(path: string): string | undefined {
  if (NEEDED_BY_THE_SYSTEM.has(path)) return 'the system itself needs it';
  if (KERNEL_TREES.some((tree) => path.startsWith(`${tree}/`))) return 'it belongs to the kernel';
  if (path === '/var/lib/quorate' || path.startsWith('/var/lib/quorate/') || path.includes('/.quorate-trash')) {
    return 'the trash and the records of earlier runs are there';
  }
  return undefined;
}
