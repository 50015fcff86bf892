// A systemd unit as the host sees it: the one way in which all modules of this family read it.
import { quote } from '../../shell/quote.ts';
import type { Change, ParameterProperty, Reading, Refusal } from '../module.ts';

export interface Unit {
  systemd: boolean;
  /** `active`, `activating`, `inactive`, `failed`, …: ActiveState. */
  active: string;
  /** `running`, `auto-restart`, …: SubState. */
  sub: string;
  /** `enabled`, `disabled`, `static`, `masked`, …: UnitFileState; empty where there is no unit file. */
  file: string;
  /** `loaded`, `not-found`, `masked`, …: LoadState. */
  load: string;
  /** The unit file was changed since systemd read it. */
  stale: boolean;
}

export const nameProperty: ParameterProperty = {
  type: 'string',
  pattern: '^[A-Za-z0-9_][A-Za-z0-9:_.\\\\@-]*$',
  description: 'The systemd unit; .service is added to a name without a suffix',
  examples: ['etcd', 'etcd-backup.timer'],
  'x-identity': true,
};

const SUFFIX = /\.(service|socket|target|timer|path|mount|automount|swap|slice|scope|device)$/;

/** The unit's whole name: `etcd` is `etcd.service`. */
export function unitOf(name: string): string {
  return SUFFIX.test(name) ? name : `${name}.service`;
}

/**
 * What a unit's fingerprint says of whether it runs: what was last asked of systemd, not what has come of it. A unit
 * goes from activating to active or failed by itself, and that is not somebody else's hand.
 */
function runWord(unit: Unit): 'started' | 'stopped' {
  return unit.active === 'inactive' || unit.active === 'deactivating' ? 'stopped' : 'started';
}

/** A unit file that comes, goes or loses its [Install] section in this run is `disabled` before and after. */
function bootWord(unit: Unit): 'enabled' | 'disabled' | 'masked' {
  if (unit.file.startsWith('masked')) return 'masked';
  return unit.file === 'enabled' || unit.file === 'alias' ? 'enabled' : 'disabled';
}

/** Which words the fingerprint line of {@link readUnit} has: `started enabled`, or `enabled` alone. */
export type Concern = 'run and boot' | 'boot';

const WORDS: Record<Concern, string> = { 'run and boot': '$run $boot', boot: '$boot' };

/** Prints the fingerprint line, then systemd's properties as `Name=value` lines; `no systemd` where there is none. */
export function readUnit(unit: string, concern: Concern): string {
  return `
if ! command -v systemctl >/dev/null; then
  echo 'no systemd'
  exit 0
fi
unit=${quote(unit)}
properties=$(systemctl show -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload -- "$unit") || {
  [ -d /run/systemd/system ] && exit 1
  echo 'no systemd'
  exit 0
}
run=started boot=disabled
case $properties in *ActiveState=inactive* | *ActiveState=deactivating*) run=stopped ;; esac
case $properties in
  *UnitFileState=masked*) boot=masked ;;
  *UnitFileState=enabled-runtime*) ;;
  *UnitFileState=enabled* | *UnitFileState=alias*) boot=enabled ;;
esac
printf '%s\\n' "${WORDS[concern]}" "$properties"`.trimStart();
}

/** Throws if the output is not that of {@link readUnit}. */
export function parseUnit(reading: Pick<Reading, 'stdout'>): Unit {
  const [first, ...lines] = new TextDecoder().decode(reading.stdout).split('\n');
  if (first === 'no systemd') {
    return { systemd: false, active: 'inactive', sub: 'dead', file: '', load: 'not-found', stale: false };
  }
  const property = (name: string) => {
    const line = lines.find((each) => each.startsWith(`${name}=`));
    if (line === undefined) throw new Error(`systemd did not say ${name}`);
    return line.slice(name.length + 1);
  };
  return {
    systemd: true,
    active: property('ActiveState'),
    sub: property('SubState'),
    file: property('UnitFileState'),
    load: property('LoadState'),
    stale: property('NeedDaemonReload') === 'yes',
  };
}

/** The first line of {@link readUnit} for `unit`. */
export function fingerprintUnit(unit: Unit, concern: Concern): string {
  if (!unit.systemd) return 'no systemd';
  return concern === 'boot' ? bootWord(unit) : `${runWord(unit)} ${bootWord(unit)}`;
}

/** Why nothing can be done with a unit on this host; `wanted` is what was wanted of it, such as `run`. */
export function refuseUnit(unit: string, seen: Unit, wanted: 'run' | 'be enabled' | undefined): Refusal | undefined {
  if (!seen.systemd) {
    return {
      refused: `this host does not run systemd, so ${unit} cannot be managed`,
      next: 'leave the host out of the target, or put `when: eq facts.init "systemd"` on the resource',
    };
  }
  if (wanted === undefined || bootWord(seen) !== 'masked') return undefined;
  return {
    refused: `${unit} is masked, so it cannot ${wanted}; somebody has forbidden it on this host`,
    next: `find out why, then: systemctl unmask ${unit}`,
  };
}

/** Undefined for `enabled`: the unit is left as it is. */
export function diffBoot(enabled: boolean | undefined, seen: Unit): Change[] {
  if (enabled === undefined) return [];
  // What is enabled until the next boot alone is not enabled, and has to be disabled as well.
  const isEnabled = bootWord(seen) === 'enabled';
  const isDisabled = !isEnabled && seen.file !== 'enabled-runtime';
  if (enabled ? isEnabled : isDisabled) return [];
  return [{ path: 'enabled', before: seen.file || 'not-found', after: enabled ? 'enabled' : 'disabled' }];
}

export function expectBoot(enabled: boolean | undefined, seen: Unit): string {
  if (enabled === undefined || diffBoot(enabled, seen).length === 0) return seen.file;
  return enabled ? 'enabled' : 'disabled';
}
