// What systemd is asked to do, step by step: pieces of the write scripts of this family.
import { quote } from '../../shell/quote.ts';

/**
 * Every script of this family begins with it. A failure shows what the unit itself last said: from the journal, because
 * the lines of a process that ends at once come late and are missing in the unit's status. Not what etcd says of itself
 * while all is well: the line that says why it ended would drown in it.
 */
export function begin(unit: string): string {
  return `unit=${quote(unit)}
give_up() {
  printf '%s\\n' "$1" >&2
  systemctl status --no-pager --full --lines=0 -- "$unit" >&2
  journalctl --sync >/dev/null 2>&1
  journalctl --no-pager --quiet --output=cat --lines=40 --unit="$unit" 2>/dev/null | grep -v '^{"level":"info"' | tail -n 20 >&2
  exit 1
}`;
}

/** systemd must know the unit file as it is now. */
export const RELOAD_DEFINITIONS = `systemctl daemon-reload || give_up 'systemd could not read its unit files again'`;

export const RELOAD_STALE_DEFINITIONS = `case $(systemctl show -p LoadState,NeedDaemonReload -- "$unit") in
  *NeedDaemonReload=yes* | *LoadState=not-found*) ${RELOAD_DEFINITIONS} ;;
esac`;

export const ENABLE = `systemctl enable --quiet --no-ask-password -- "$unit" || give_up "$unit could not be enabled"
case $(systemctl is-enabled -- "$unit" 2>/dev/null) in
  enabled | alias) ;;
  *) give_up "$unit has no [Install] section, so it cannot be enabled: add WantedBy= to its unit file" ;;
esac`;

export const DISABLE = `systemctl disable --quiet --no-ask-password -- "$unit" || give_up "$unit could not be disabled"`;

export type StartVerb = 'start' | 'restart' | 'reload-or-restart';

/** Starts the unit and waits until it is active: with Type=notify that is when the service itself says so. */
export function start(verb: StartVerb): string {
  // A unit that failed too often does not start before it is reset.
  return `systemctl reset-failed -- "$unit" 2>/dev/null
systemctl ${verb} --no-ask-password -- "$unit" || give_up "$unit could not be started (${verb})"
case $(systemctl show -p Type -- "$unit") in
  Type=simple | Type=exec | Type=idle) sleep 1 ;; # such a unit counts as started before it can fail
esac
case $(systemctl show -p ActiveState -- "$unit") in
  ActiveState=active | ActiveState=reloading | ActiveState=refreshing) ;;
  *) give_up "$unit started, but did not stay active" ;;
esac`;
}

export const STOP = `systemctl stop --no-ask-password -- "$unit" || give_up "$unit could not be stopped"
case $(systemctl show -p ActiveState -- "$unit") in
  ActiveState=inactive | ActiveState=failed) ;;
  *) give_up "$unit was stopped, but runs again: something else starts it" ;;
esac`;
