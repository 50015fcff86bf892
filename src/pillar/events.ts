// The pillar of a host as its member of the events cluster sees it: the same keys, with `etcd_events_*` laid over `etcd_*`.
import type { ValueMap } from '../value.ts';

/** What the two members of a host could not share: an absent one is absent for events, whatever main has. */
const OWN = ['client_port', 'peer_port', 'metrics_port', 'data_dir', 'wal_dir'];

/** What both have alike unless the key for events says otherwise; that one stands in place of main's, maps too. */
const ALIKE = ['resources', 'quota_backend_bytes', 'snapshot_count', 'extra_args'];

/** The cluster for the events of `cluster`, as ledgers, `status` and snapshots call it. */
export function eventsClusterOf(cluster: string): string {
  return `${cluster}-events`;
}

/** Whether the member of main on this host has one of events beside it. */
export function hasEvents({ etcd_events: events }: ValueMap): boolean {
  return events === true;
}

export function eventsPillar(data: ValueMap): ValueMap {
  const view = { ...data };
  for (const name of OWN) delete view[`etcd_${name}`];
  for (const name of [...OWN, ...ALIKE]) {
    const own = data[`etcd_events_${name}`];
    if (own !== undefined) view[`etcd_${name}`] = own;
  }
  return view;
}
