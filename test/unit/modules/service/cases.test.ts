import { describe, expect, it } from 'vitest';
import { serviceEnabled } from '../../../../src/modules/service/enabled.ts';
import { serviceRunning } from '../../../../src/modules/service/running.ts';
import { serviceStopped } from '../../../../src/modules/service/stopped.ts';
import { unitOf } from '../../../../src/modules/service/unit.ts';
import { type Case, describeCases } from '../cases.ts';

/** What read prints of a unit: the fingerprint line, then what systemd says. */
function observe(line: string, active: string, file: string, more: { sub?: string; load?: string } = {}): string {
  const { sub = 'dead', load = 'loaded' } = more;
  return `${line}\nLoadState=${load}\nActiveState=${active}\nSubState=${sub}\nUnitFileState=${file}\nNeedDaemonReload=no\n`;
}

const BEGIN = `unit='etcd.service'
give_up() {
  printf '%s\\n' "$1" >&2
  systemctl status --no-pager --full --lines=0 -- "$unit" >&2
  journalctl --sync >/dev/null 2>&1
  journalctl --no-pager --quiet --output=cat --lines=40 --unit="$unit" 2>/dev/null | grep -v '^{"level":"info"' | tail -n 20 >&2
  exit 1
}`;
const RELOAD = `systemctl daemon-reload || give_up 'systemd could not read its unit files again'`;
const RELOAD_IF_STALE = `case $(systemctl show -p LoadState,NeedDaemonReload -- "$unit") in
  *NeedDaemonReload=yes* | *LoadState=not-found*) ${RELOAD} ;;
esac`;
const ENABLE = `systemctl enable --quiet --no-ask-password -- "$unit" || give_up "$unit could not be enabled"
case $(systemctl is-enabled -- "$unit" 2>/dev/null) in
  enabled | alias) ;;
  *) give_up "$unit has no [Install] section, so it cannot be enabled: add WantedBy= to its unit file" ;;
esac`;
const DISABLE = `systemctl disable --quiet --no-ask-password -- "$unit" || give_up "$unit could not be disabled"`;
const STOP = `systemctl stop --no-ask-password -- "$unit" || give_up "$unit could not be stopped"
case $(systemctl show -p ActiveState -- "$unit") in
  ActiveState=inactive | ActiveState=failed) ;;
  *) give_up "$unit was stopped, but runs again: something else starts it" ;;
esac`;
const begin = (verb: string) => `systemctl reset-failed -- "$unit" 2>/dev/null
systemctl ${verb} --no-ask-password -- "$unit" || give_up "$unit could not be started (${verb})"
case $(systemctl show -p Type -- "$unit") in
  Type=simple | Type=exec | Type=idle) sleep 1 ;; # such a unit counts as started before it can fail
esac
case $(systemctl show -p ActiveState -- "$unit") in
  ActiveState=active | ActiveState=reloading | ActiveState=refreshing) ;;
  *) give_up "$unit started, but did not stay active" ;;
esac`;

const NO_SYSTEMD: Case = {
  it: 'refuses where there is no systemd',
  want: { name: 'etcd' },
  observed: 'no systemd\n',
  changes: {
    refused: 'this host does not run systemd, so etcd.service cannot be managed',
    next: 'leave the host out of the target, or put `when: eq facts.init "systemd"` on the resource',
  },
};

describeCases(serviceRunning, [
  {
    it: 'is converged when the unit is active',
    want: { name: 'etcd', enabled: true },
    observed: observe('started enabled', 'active', 'enabled', { sub: 'running' }),
  },
  {
    it: 'leaves it alone while it reloads its configuration',
    want: { name: 'etcd' },
    observed: observe('started disabled', 'reloading', 'disabled', { sub: 'reload' }),
  },
  {
    it: 'starts what is stopped, and leaves alone whether it starts at boot',
    want: { name: 'etcd' },
    observed: observe('stopped disabled', 'inactive', 'disabled'),
    changes: [{ path: 'active', before: 'inactive', after: 'active' }],
    script: [BEGIN, RELOAD_IF_STALE, begin('start')].join('\n'),
  },
  {
    it: 'enables before it starts',
    want: { name: 'etcd', enabled: true },
    observed: observe('stopped disabled', 'inactive', 'disabled'),
    changes: [
      { path: 'enabled', before: 'disabled', after: 'enabled' },
      { path: 'active', before: 'inactive', after: 'active' },
    ],
    script: [BEGIN, RELOAD_IF_STALE, ENABLE, begin('start')].join('\n'),
  },
  {
    it: 'expects a unit file that is not there yet from an earlier step of the same run',
    want: { name: 'etcd', enabled: true },
    observed: observe('stopped disabled', 'inactive', '', { load: 'not-found' }),
    changes: [
      { path: 'enabled', before: 'not-found', after: 'enabled' },
      { path: 'active', before: 'inactive', after: 'active' },
    ],
    script: [BEGIN, RELOAD_IF_STALE, ENABLE, begin('start')].join('\n'),
  },
  {
    it: 'starts what has failed',
    want: { name: 'etcd' },
    observed: observe('started disabled', 'failed', 'disabled', { sub: 'failed' }),
    changes: [{ path: 'active', before: 'failed', after: 'active' }],
    script: [BEGIN, RELOAD_IF_STALE, begin('start')].join('\n'),
  },
  {
    it: 'waits for what is still activating, such as an etcd without quorum',
    want: { name: 'etcd' },
    observed: observe('started enabled', 'activating', 'enabled', { sub: 'start' }),
    changes: [{ path: 'active', before: 'activating', after: 'active' }],
    script: [BEGIN, RELOAD_IF_STALE, begin('start')].join('\n'),
  },
  {
    it: 'restarts when what it watches changes',
    want: { name: 'etcd' },
    observed: observe('started enabled', 'active', 'enabled', { sub: 'running' }),
    react: true,
    script: [BEGIN, RELOAD, begin('restart')].join('\n'),
  },
  {
    it: 'reloads instead when told to',
    want: { name: 'etcd', reload: true },
    observed: observe('started enabled', 'active', 'enabled', { sub: 'running' }),
    react: true,
    script: [BEGIN, RELOAD, begin('reload-or-restart')].join('\n'),
  },
  {
    it: 'restarts what was activating with an old configuration',
    want: { name: 'etcd', reload: true },
    observed: observe('started enabled', 'activating', 'enabled', { sub: 'auto-restart' }),
    changes: [{ path: 'active', before: 'activating', after: 'active' }],
    react: true,
    script: [BEGIN, RELOAD, begin('restart')].join('\n'),
  },
  {
    it: 'only disables where only that differs',
    want: { name: 'etcd', enabled: false },
    observed: observe('started enabled', 'active', 'enabled', { sub: 'running' }),
    changes: [{ path: 'enabled', before: 'enabled', after: 'disabled' }],
    script: [BEGIN, RELOAD_IF_STALE, DISABLE].join('\n'),
  },
  {
    it: 'takes a unit without [Install] as one that does not start at boot',
    want: { name: 'etcd', enabled: false },
    observed: observe('started disabled', 'active', 'static', { sub: 'running' }),
  },
  {
    it: 'refuses a masked unit',
    want: { name: 'etcd' },
    observed: observe('stopped masked', 'inactive', 'masked', { load: 'masked' }),
    changes: {
      refused: 'etcd.service is masked, so it cannot run; somebody has forbidden it on this host',
      next: 'find out why, then: systemctl unmask etcd.service',
    },
  },
  NO_SYSTEMD,
]);

describeCases(serviceStopped, [
  {
    it: 'is converged when the unit does not run and does not start at boot',
    want: { name: 'etcd' },
    observed: observe('stopped disabled', 'inactive', 'disabled'),
  },
  {
    it: 'takes a unit that nobody knows as stopped',
    want: { name: 'etcd' },
    observed: observe('stopped disabled', 'inactive', '', { load: 'not-found' }),
  },
  {
    it: 'takes a failed unit as stopped',
    want: { name: 'etcd' },
    observed: observe('started disabled', 'failed', 'disabled', { sub: 'failed' }),
  },
  {
    it: 'takes a masked unit as stopped',
    want: { name: 'etcd' },
    observed: observe('stopped masked', 'inactive', 'masked', { load: 'masked' }),
  },
  {
    it: 'stops and disables',
    want: { name: 'etcd' },
    observed: observe('started enabled', 'active', 'enabled', { sub: 'running' }),
    changes: [
      { path: 'active', before: 'active', after: 'inactive' },
      { path: 'enabled', before: 'enabled', after: 'disabled' },
    ],
    script: [BEGIN, STOP, DISABLE].join('\n'),
  },
  {
    it: 'stops what restarts again and again',
    want: { name: 'etcd' },
    observed: observe('started disabled', 'activating', 'disabled', { sub: 'auto-restart' }),
    changes: [{ path: 'active', before: 'activating', after: 'inactive' }],
    script: [BEGIN, STOP].join('\n'),
  },
  {
    it: 'disables what is enabled until the next boot only',
    want: { name: 'etcd' },
    observed: observe('stopped disabled', 'inactive', 'enabled-runtime'),
    changes: [{ path: 'enabled', before: 'enabled-runtime', after: 'disabled' }],
    script: [BEGIN, DISABLE].join('\n'),
  },
  NO_SYSTEMD,
]);

describeCases(serviceEnabled, [
  {
    it: 'is converged when the unit starts at boot, whether it runs or not',
    want: { name: 'etcd' },
    observed: observe('enabled', 'failed', 'enabled'),
  },
  {
    it: 'enables without starting',
    want: { name: 'etcd' },
    observed: observe('disabled', 'inactive', 'disabled'),
    changes: [{ path: 'enabled', before: 'disabled', after: 'enabled' }],
    script: [BEGIN, RELOAD_IF_STALE, ENABLE].join('\n'),
  },
  {
    it: 'disables without stopping',
    want: { name: 'etcd', enabled: false },
    observed: observe('enabled', 'active', 'enabled', { sub: 'running' }),
    changes: [{ path: 'enabled', before: 'enabled', after: 'disabled' }],
    script: [BEGIN, RELOAD_IF_STALE, DISABLE].join('\n'),
  },
  {
    it: 'refuses to enable a masked unit',
    want: { name: 'etcd' },
    observed: observe('masked', 'inactive', 'masked', { load: 'masked' }),
    changes: {
      refused: 'etcd.service is masked, so it cannot be enabled; somebody has forbidden it on this host',
      next: 'find out why, then: systemctl unmask etcd.service',
    },
  },
  NO_SYSTEMD,
]);

describe('a unit', () => {
  it.each([
    ['etcd', 'etcd.service'],
    ['etcd.service', 'etcd.service'],
    ['backup.timer', 'backup.timer'],
    ['etcd@main', 'etcd@main.service'],
    ['etcd.main', 'etcd.main.service'],
  ])('%s is %s', (name, unit) => {
    expect(unitOf(name)).toBe(unit);
  });

  it('has the same fingerprint while systemd brings it up by itself', () => {
    const words = ['activating', 'active', 'failed', 'reloading'].map((active) =>
      serviceRunning.fingerprint({ systemd: true, active, sub: '', file: 'disabled', load: 'loaded', stale: false }),
    );
    expect(new Set(words)).toEqual(new Set(['started disabled']));
  });
});
