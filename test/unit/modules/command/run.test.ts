import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { commandRun } from '../../../../src/modules/command/run.ts';
import { Sensitive } from '../../../../src/sensitive.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';
import { HOSTILE_VALUES } from '../hostile.ts';

const EXECUTE = `set -- sh -c 'text=$(cat <&3); exec 3<&-; eval "$text"'
limit=
for options in '--foreground -k 5' '-k 5'; do
  if timeout $options 1 true 2>/dev/null; then limit=$options; break; fi
done
begun=$(date +%s)
mark=$Q_RUN-$$-$begun
printf %s "$text" | { exec 3<&0 <"$input" && Q_MARK=$mark timeout $limit 60 "$@"; }
status=$?
case $status in 0) exit 0 ;; esac
case $status in
  124 | 137 | 143)
    if [ $(($(date +%s) - begun)) -ge 60 ]; then
      for process in $(grep -ls "Q_MARK=$mark" /proc/[0-9]*/environ); do
        process=\${process#/proc/}
        kill -KILL "\${process%/environ}" 2>/dev/null
      done
      echo 'the command took longer than 60 s and was ended: raise timeout if it needs longer' >&2
      exit 1
    fi
    ;;
esac
echo "the command ended with status $status, expected 0" >&2
exit 1`;

describeCases(commandRun, [
  {
    it: 'runs only by reaction where it has no guards',
    want: { command: 'update-ca-certificates' },
    observed: 'command\nreaction\n',
    react: true,
    script: `text='cd '\\''/'\\'' || exit 1
update-ca-certificates'
input=/dev/null
${EXECUTE}`,
  },
  {
    it: 'runs when its guards say that it is due, and asks them again just before',
    want: { command: 'make-ca', creates: '/etc/ca.crt' },
    observed: 'command\n\n',
    changes: [{ path: 'run', before: null, after: 'make-ca' }],
    script: `because=
if [ -e '/etc/ca.crt' ] || [ -L '/etc/ca.crt' ]; then because=creates; fi
if [ -n "$because" ]; then
  echo 'changed=no comment=no longer due'
  exit 0
fi
text='cd '\\''/'\\'' || exit 1
make-ca'
input=/dev/null
${EXECUTE}`,
  },
  {
    it: 'is done when what it creates is there',
    want: { command: 'make-ca', creates: '/etc/ca.crt' },
    observed: 'command\ncreates\n',
  },
  {
    it: 'is done when unless succeeds',
    want: { command: 'x', unless: 'etcdctl user get root' },
    observed: 'command\nunless\n',
  },
  {
    it: 'is not for a host where onlyif fails',
    want: { command: 'x', onlyif: ['test -d /etc/ssl'] },
    observed: 'command\nonlyif\n',
  },
]);

describe('what command.run says of its change', () => {
  it.each([
    [{}, 'anything\n', true],
    [{}, 'changed=no comment=no longer due\n', false],
    [{ reports_change: true }, 'working\nchanged=yes\n', true],
    [{ reports_change: true }, 'working\nchanged=yes comment=3 users added\n', true],
    [{ reports_change: true }, 'changed=yes\nchanged=no comment=all there\n', false],
    [{ reports_change: true }, 'nothing said\n', false],
    [{ reports_change: true }, '', false],
  ])('%o, having printed %j: %s', (parameters, output, changed) => {
    const want = complete(commandRun, { command: 'x', creates: '/x', ...parameters });
    expect(commandRun.saysChange!(want as never, output)).toBe(changed);
  });
});

describe.each(SHELLS)('command.run under %s', { timeout: 60_000 }, (shell) => {
  const hosts: Host[] = [];
  const newHost = () => {
    hosts.push(new Host(shell));
    return hosts.at(-1)!;
  };
  afterEach(() => {
    for (const host of hosts.splice(0)) host.remove();
  });

  it('runs once, and is then done', () => {
    const host = newHost();
    const given = { command: 'echo hello; echo made > made', cwd: host.root, creates: join(host.root, 'made') };
    const { left, written } = host.apply(commandRun, given);
    expect([written?.status, String(written?.stdout), written?.stderr]).toEqual([0, 'hello\n', '']);
    expect(left).toEqual([]);
    expect(host.apply(commandRun, given)).toEqual({ changes: [], left: [] });
  });

  it('is still due when it did not do what its guard waits for', () => {
    const host = newHost();
    expect(host.apply(commandRun, { command: 'true', creates: join(host.root, 'made') }).left).toHaveLength(1);
  });

  it.each([
    [{ unless: 'true' }, 'unless'],
    [{ unless: 'false' }, ''],
    [{ unless: ['true', 'false'] }, ''],
    [{ unless: ['true', 'true'] }, 'unless'],
    [{ onlyif: 'true' }, ''],
    [{ onlyif: ['true', 'exit 3'] }, 'onlyif'],
    [{ onlyif: 'no-such-program' }, 'onlyif'],
    [{ onlyif: 'true', unless: 'true' }, 'unless'],
    [{ creates: '/etc/passwd', unless: 'false', onlyif: 'true' }, 'creates'],
    [{ creates: '/no/such/path', unless: 'test "a b" = "a c"', onlyif: "test 'x' = x" }, ''],
    [{}, 'reaction'],
  ])('with %o it reads as %j, noisy guards or not', (guards, because) => {
    expect(String(newHost().run(commandRun.read(guards)).stdout)).toBe(`command\n${because}\n`);
  });

  it('cannot say whether it is due when a guard hangs', () => {
    const host = newHost();
    const script = commandRun.read({ unless: 'sleep 9' }).replaceAll('timeout 10', 'timeout 1');
    const { status, stdout, stderr } = host.run(script);
    expect([status, String(stdout)]).toEqual([1, '']);
    expect(stderr).toContain('this did not answer within 10 s, so nobody knows whether to run the command: sleep 9');
  });

  it('does not run when its guard has become done since the plan', () => {
    const host = newHost();
    const want = complete(commandRun, { command: 'echo ran', creates: join(host.root, 'made') });
    const write = commandRun.write(want as never, [], { run: 'r1', react: true });
    writeFileSync(join(host.root, 'made'), '');
    expect(String(host.write(write).stdout)).toBe('changed=no comment=no longer due\n');
  });

  it('delivers stdin and environment byte for byte and executes none', () => {
    const host = newHost();
    for (const value of HOSTILE_VALUES) {
      const given = {
        command: 'cat > in; printf %s "$VALUE" > env; printf %s "$#" > count',
        cwd: host.root,
        env: { VALUE: value },
        stdin: new Sensitive(value),
      };
      const { written } = host.apply(commandRun, given, true);
      expect([written?.status, written?.stderr]).toEqual([0, '']);
      expect(readFileSync(join(host.root, 'in'))).toEqual(Buffer.from(value));
      expect(readFileSync(join(host.root, 'env'))).toEqual(Buffer.from(value));
      expect(readFileSync(join(host.root, 'count'), 'utf8')).toBe('0');
    }
    expect(readdirSync(host.root).sort()).toEqual(['count', 'env', 'in']);
  });

  it('keeps a secret out of its script, and all of its text out of argv', () => {
    const host = newHost();
    const given = { command: "tr '\\0' ' ' < /proc/$$/cmdline; : secret-of-the-text", stdin: new Sensitive('hunter2') };
    const { script } = commandRun.write(complete(commandRun, given) as never, [], { run: 'r1', react: true });
    expect(script).not.toContain('hunter2');
    expect(String(host.apply(commandRun, given, true).written?.stdout)).not.toMatch(/secret-of-the-text|hunter2/);
  });

  it('has nothing on standard input unless told, and leaves no descriptor to the command', () => {
    const host = newHost();
    const { written } = host.apply(commandRun, { command: 'cat; ls /proc/self/fd | grep -c "^3$" || :' }, true);
    // `ls` itself has the directory that it lists open.
    expect(String(written?.stdout).trim()).toMatch(/^[01]$/);
    const { written: closed } = host.apply(
      commandRun,
      { command: '(: <&3) 2>/dev/null && echo open || echo closed' },
      true,
    );
    expect(String(closed?.stdout)).toBe('closed\n');
  });

  it('takes several lines, and their exit status', () => {
    const host = newHost();
    const command = 'for each in a "b c"; do\n  echo "<$each>"\ndone\nexit 3';
    const { written } = host.apply(commandRun, { command }, true);
    expect(String(written?.stdout)).toBe('<a>\n<b c>\n');
    expect([written?.status, written?.stderr]).toEqual([1, 'the command ended with status 3, expected 0\n']);
    expect(host.apply(commandRun, { command, success_codes: [0, 3] }, true).written?.status).toBe(0);
    expect(host.apply(commandRun, { command: 'true', success_codes: [3] }, true).written?.status).toBe(1);
  });

  it('ends a command that takes too long, and its children', () => {
    const host = newHost();
    const command = '(sleep 30; touch late) & sh -c "echo \\$\\$ > pid; sleep 30; :"; :';
    const { written } = host.apply(commandRun, { command, cwd: host.root, timeout: 1 }, true);
    expect(isAlive(Number(readFileSync(join(host.root, 'pid'), 'utf8')))).toBe(false);
    expect(written?.status).toBe(1);
    expect(written?.stderr).toContain('the command took longer than 1 s and was ended: raise timeout');
  });

  it('stays in the process group of the program, so that it ends with it', () => {
    const { written } = newHost().apply(
      commandRun,
      { command: 'cut -d " " -f 5 /proc/$$/stat; cut -d " " -f 5 /proc/$PPID/stat' },
      true,
    );
    const groups = String(written?.stdout).trim().split('\n');
    expect(groups).toEqual([String(groupOf(process.pid)), String(groupOf(process.pid))]);
  });

  if (process.getuid?.() === 0) {
    it('runs as another user, with stdin and environment', () => {
      const command = 'id -un; pwd; printf "%s|%s|" "$USER" "$A"; cat';
      const given = { command, user: 'nobody', env: { A: 'a b' }, stdin: 'in\n', cwd: '/tmp' };
      const { written } = newHost().apply(commandRun, given, true);
      expect([String(written?.stdout), written?.stderr]).toEqual(['nobody\n/tmp\nnobody|a b|in\n', '']);
    });

    it('says so when that user does not exist', () => {
      const { written } = newHost().apply(commandRun, { command: 'id', user: 'nobody-at-all' }, true);
      expect(written?.status).toBe(1);
      expect(written?.stderr).toContain('nobody-at-all');
    });
  }
});

/** The process group of a process. */
function groupOf(pid: number): number {
  return Number(statOf(pid)[2]);
}

function isAlive(pid: number): boolean {
  try {
    return statOf(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** The fields of /proc/<pid>/stat after the name: state, parent, group, … */
function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
}
