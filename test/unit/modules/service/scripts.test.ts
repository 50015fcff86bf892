// The order in which systemctl is asked, with a stand-in that remembers. Real systemd is tested on the lab's hosts.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { serviceRunning } from '../../../../src/modules/service/running.ts';
import { serviceStopped } from '../../../../src/modules/service/stopped.ts';
import { Host, SHELLS } from '../host.ts';

const UNIT = {
  active: 'inactive',
  sub: 'dead',
  file: 'disabled',
  load: 'loaded',
  stale: 'no',
  type: 'notify',
  start: 'ok',
};

/** A systemctl whose whole world is one unit, kept in files of `host.root`. */
class Systemd {
  readonly host: Host;

  constructor(shell: Host['shell'], unit: Partial<typeof UNIT> = {}) {
    this.host = new Host(shell);
    for (const [name, value] of Object.entries({ ...UNIT, ...unit })) writeFileSync(join(this.host.root, name), value);
    for (const [name, text] of Object.entries({ systemctl: SYSTEMCTL, journalctl: JOURNALCTL })) {
      const file = join(this.host.binaries, name);
      writeFileSync(file, text);
      chmodSync(file, 0o755);
    }
  }

  /** What was asked that may change something, in order. */
  asked(): string[] {
    const file = join(this.host.root, 'asked');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }
}

const SYSTEMCTL = `#!/bin/sh
get() { cat "$1"; }
case $1 in
  show)
    case $3 in
      Type) echo "Type=$(get type)" ;;
      *)
        echo "LoadState=$(get load)"
        echo "ActiveState=$(get active)"
        echo "SubState=$(get sub)"
        echo "UnitFileState=$(get file)"
        echo "NeedDaemonReload=$(get stale)"
        ;;
    esac | case $3 in ActiveState) grep ^ActiveState ;; *) cat ;; esac
    ;;
  is-enabled) get file ;;
  status) echo 'etcd.service - a member'; exit 3 ;;
  *)
    verb=$1
    for unit; do :; done
    echo "$verb $unit" >> asked
    case $verb in
      daemon-reload) printf no > stale; printf loaded > load ;;
      enable) [ "$(get file)" = static ] || printf enabled > file ;;
      disable) printf disabled > file ;;
      stop) printf inactive > active ;;
      start | restart | reload-or-restart)
        case $(get start) in
          ok) printf active > active ;;
          dies) printf failed > active ;;
          *) exit 1 ;;
        esac
        ;;
    esac
    ;;
esac
`;

const JOURNALCTL = `#!/bin/sh
case $1 in --sync) exit ;; esac
echo 'etcd: cannot bind to 2379'
`;

describe.each(SHELLS)('services under %s', { timeout: 60_000 }, (shell) => {
  const machines: Systemd[] = [];
  const boot = (unit: Partial<typeof UNIT> = {}) => {
    machines.push(new Systemd(shell, unit));
    return machines.at(-1)!;
  };
  afterEach(() => {
    for (const { host } of machines.splice(0)) host.remove();
  });

  it('enables, resets and starts, and is then converged', () => {
    const systemd = boot();
    const { changes, left, written } = systemd.host.apply(serviceRunning, { name: 'etcd', enabled: true });
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(changes.map(({ path }) => path)).toEqual(['enabled', 'active']);
    expect(left).toEqual([]);
    expect(systemd.asked()).toEqual(['enable etcd.service', 'reset-failed etcd.service', 'start etcd.service']);
  });

  it.each([{ load: 'not-found', file: '' }, { stale: 'yes' }])(
    'lets systemd read a new unit file first: %o',
    (unit) => {
      const systemd = boot(unit);
      systemd.host.apply(serviceRunning, { name: 'etcd' });
      expect(systemd.asked()).toEqual([
        'daemon-reload daemon-reload',
        'reset-failed etcd.service',
        'start etcd.service',
      ]);
    },
  );

  it('restarts by reaction, with unit files read again', () => {
    const systemd = boot({ active: 'active', sub: 'running' });
    systemd.host.apply(serviceRunning, { name: 'etcd' }, true);
    expect(systemd.asked()).toEqual([
      'daemon-reload daemon-reload',
      'reset-failed etcd.service',
      'restart etcd.service',
    ]);
  });

  it.each(['no', 'dies'])('says what the unit said when it does not come up (%s)', (start) => {
    const { written, left } = boot({ start }).host.apply(serviceRunning, { name: 'etcd' });
    expect(written?.status).toBe(1);
    expect(written?.stderr).toMatch(/etcd\.service (could not be started|started, but did not stay active)/);
    expect(written?.stderr).toContain('etcd: cannot bind to 2379');
    expect(left).not.toEqual([]);
  });

  it('says why a unit without [Install] cannot be enabled', () => {
    const { written } = boot({ file: 'static' }).host.apply(serviceRunning, { name: 'etcd', enabled: true });
    expect(written?.status).toBe(1);
    expect(written?.stderr).toContain('etcd.service has no [Install] section');
  });

  it('stops and disables, and is then converged', () => {
    const systemd = boot({ active: 'active', sub: 'running', file: 'enabled' });
    expect(systemd.host.apply(serviceStopped, { name: 'etcd' })).toMatchObject({ left: [], written: { status: 0 } });
    expect(systemd.asked()).toEqual(['stop etcd.service', 'disable etcd.service']);
  });

  it('asks nothing that changes anything when it reads, and its first line is the fingerprint', () => {
    for (const active of ['active', 'activating', 'inactive', 'deactivating', 'failed', 'reloading']) {
      for (const file of [
        'enabled',
        'enabled-runtime',
        'disabled',
        'static',
        'masked',
        'masked-runtime',
        'alias',
        '',
      ]) {
        const systemd = boot({ active, file });
        const { firstLine, seen } = systemd.host.read(serviceRunning, { name: 'etcd' });
        expect(serviceRunning.fingerprint(seen as never)).toBe(firstLine);
        expect(systemd.asked()).toEqual([]);
      }
    }
  });
});
