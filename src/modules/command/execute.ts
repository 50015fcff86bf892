// Runs one command of the operator's on a host, within its limit, with nothing of it in argv.
import { quote } from '../../shell/quote.ts';

export type Execution = {
  command: string;
  cwd: string;
  env: { [name: string]: string };
  user?: string;
  /** Seconds. */
  timeout: number;
  success_codes: number[];
};

/**
 * The script; with `stdin`, `$1` is the file that the command reads on its standard input.
 *
 * The command stays in the process group of the program, so that whoever ends that ends the command too. So timeout
 * may not make a group of its own (coreutils would), and at the limit its children are found by a mark in their
 * environment.
 */
export function execute(execution: Execution, stdin: boolean): string {
  const { timeout, user, success_codes: codes } = execution;
  const expected = codes.join(' or ');
  return `text=${quote(commandText(execution))}
input=${stdin ? '$1' : '/dev/null'}
${user === undefined ? `set -- sh -c ${BOOT}` : becomeUser(user)}
limit=
for options in '--foreground -k 5' '-k 5'; do
  if timeout $options 1 true 2>/dev/null; then limit=$options; break; fi
done
begun=$(date +%s)
mark=$Q_RUN-$$-$begun
printf %s "$text" | { exec 3<&0 <"$input" && Q_MARK=$mark timeout $limit ${timeout} "$@"; }
status=$?
case $status in ${codes.join(' | ')}) exit 0 ;; esac
case $status in
  124 | 137 | 143)
    if [ $(($(date +%s) - begun)) -ge ${timeout} ]; then
      for process in $(grep -ls "Q_MARK=$mark" /proc/[0-9]*/environ); do
        process=\${process#/proc/}
        kill -KILL "\${process%/environ}" 2>/dev/null
      done
      echo 'the command took longer than ${timeout} s and was ended: raise timeout if it needs longer' >&2
      exit 1
    fi
    ;;
esac
echo "the command ended with status $status, expected ${expected}" >&2
exit 1`;
}

/** All that the command's own shell evaluates: it may be long, and process listings show what is in argv. */
function commandText({ command, cwd, env, user }: Execution): string {
  return [
    // Neither runuser nor every su sets them.
    ...(user === undefined ? [] : [`HOME=~${user} USER=${user} LOGNAME=${user}\nexport HOME USER LOGNAME`]),
    `cd ${quote(cwd)} || exit 1`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    command,
  ].join('\n');
}

// The text comes on a descriptor of its own, because standard input is the command's.
const BOOT = `'text=$(cat <&3); exec 3<&-; eval "$text"'`;

function becomeUser(user: string): string {
  return `if command -v runuser >/dev/null; then
  set -- runuser -u ${quote(user)} -- sh -c ${BOOT}
else
  set -- su -s /bin/sh ${quote(user)} -c ${BOOT}
fi`;
}
