// Owner, group and mode: the same three parameters for files and directories.
import { quote } from '../../shell/quote.ts';
import type { Change, ParameterProperty } from '../module.ts';
import type { Ownership } from './entry.ts';

export type WantedOwnership = { owner: string; group: string; mode: string };

const NAME = '^[A-Za-z0-9_][A-Za-z0-9_.@\\\\ -]*\\$?$';

export function ownershipProperties(mode: string): { [name: string]: ParameterProperty } {
  return {
    owner: {
      type: 'string',
      pattern: NAME,
      description: 'The user who owns it: a name that the host knows, or a number',
      default: 'root',
      examples: ['etcd', '0'],
    },
    group: {
      type: 'string',
      pattern: NAME,
      description: 'The group that it belongs to: a name that the host knows, or a number',
      default: 'root',
      examples: ['etcd', '0'],
    },
    mode: {
      type: 'string',
      pattern: '^[0-7]{4}$',
      description: 'Its permissions: four octal digits, in quotes, because YAML reads 0644 as a number',
      default: mode,
      examples: ['0640', '0700'],
    },
  };
}

/** `seen` is undefined where nothing is there yet. */
export function diffOwnership(want: WantedOwnership, seen: Ownership | undefined): Change[] {
  const changes: Change[] = [];
  // A number is wanted as a number, also where the host has a name for it.
  if (want.owner !== seen?.owner && want.owner !== seen?.uid) {
    changes.push({ path: 'owner', before: seen?.owner ?? null, after: want.owner });
  }
  if (want.group !== seen?.group && want.group !== seen?.gid) {
    changes.push({ path: 'group', before: seen?.group ?? null, after: want.group });
  }
  if (want.mode !== seen?.mode) changes.push({ path: 'mode', before: seen?.mode ?? null, after: want.mode });
  return changes;
}

export function expectOwnership(want: WantedOwnership, seen: Ownership | undefined): Ownership {
  const owner = want.owner === seen?.uid ? seen.owner : want.owner;
  const group = want.group === seen?.gid ? seen.group : want.group;
  return { mode: want.mode, owner, group, uid: seen?.uid ?? want.owner, gid: seen?.gid ?? want.group };
}

/** `target` is a word of sh, such as `"$1"`. The mode comes last: changing the owner clears the setuid bit. */
export function setOwnership(target: string, want: WantedOwnership): string {
  const to = `${want.owner}:${want.group}`;
  const unknown = `it could not be given to ${to}: see that this owner and group exist on the host, or correct them here`;
  return `chown ${quote(to)} ${target} || { echo ${quote(unknown)} >&2; exit 1; }
chmod ${want.mode} ${target} || exit`;
}
