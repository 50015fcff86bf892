// What says that a command is done: a path that exists, and read-only commands.
import { quote } from '../../shell/quote.ts';

export type Guards = {
  creates?: string;
  unless?: string | string[];
  onlyif?: string | string[];
};

/** A guard's command may take this long. Seconds. */
const GUARD_SECONDS = 10;

export function hasGuard({ creates, unless, onlyif }: Guards): boolean {
  return creates !== undefined || unless !== undefined || onlyif !== undefined;
}

/**
 * A script that sets `$because` to the reason why the command is not due, or to nothing; it ends the whole script with 1
 * where a guard cannot tell. With Salt's meanings: `unless` says done if all its commands succeed, `onlyif` if one of
 * its commands fails.
 */
export function askGuards({ creates, unless, onlyif }: Guards): string {
  const script = ['because='];
  if (creates !== undefined) {
    const path = quote(creates);
    script.push(`if [ -e ${path} ] || [ -L ${path} ]; then because=creates; fi`);
  }
  if (unless !== undefined) {
    script.push(`if [ -z "$because" ] && ${toList(unless).map(ask).join(' && ')}; then because=unless; fi`);
  }
  if (onlyif !== undefined) {
    script.push(`if [ -z "$because" ] && ! { ${toList(onlyif).map(ask).join(' && ')}; }; then because=onlyif; fi`);
  }
  return [...(unless === undefined && onlyif === undefined ? [] : [ASK]), ...script].join('\n');
}

function ask(command: string): string {
  return `ask ${quote(command)}`;
}

// timeout ends with 124 (coreutils) or 143 (busybox) when the time is over, and 127 where there is none.
const ASK = `ask() {
  command -v timeout >/dev/null || { echo 'this host has no timeout command (coreutils or busybox)' >&2; exit 1; }
  timeout ${GUARD_SECONDS} sh -c "$1" </dev/null >/dev/null 2>&1
  case $? in
    0) return 0 ;;
    124 | 137 | 143)
      printf 'this did not answer within ${GUARD_SECONDS} s, so nobody knows whether to run the command: %s\\n' "$1" >&2
      exit 1
      ;;
    *) return 1 ;;
  esac
}`;

function toList(commands: string | string[]): string[] {
  return Array.isArray(commands) ? commands : [commands];
}
