import { expect, it } from 'vitest';
import { eventsPillar } from '../../../src/pillar/events.ts';

const MAIN = {
  etcd_version: '3.5.16',
  etcd_client_port: 2379,
  etcd_data_dir: '/var/lib/etcd',
  etcd_wal_dir: '/mnt/wal',
  etcd_extra_args: { 'log-level': 'warn', 'max-wals': '3' },
  etcd_quota_backend_bytes: 1,
  etcd_events_client_port: 2382,
  etcd_events_data_dir: '/var/lib/etcd-events',
};

it('is main’s where nothing else is said, but never with what two members of a host cannot share', () => {
  const view = eventsPillar(MAIN);
  expect(view).toMatchObject({
    etcd_version: '3.5.16',
    etcd_client_port: 2382,
    etcd_data_dir: '/var/lib/etcd-events',
    etcd_extra_args: { 'log-level': 'warn', 'max-wals': '3' },
    etcd_quota_backend_bytes: 1,
  });
  expect(view).not.toHaveProperty('etcd_wal_dir');
});

it('has its own in place of main’s, maps too', () => {
  const own = { etcd_events_wal_dir: '/mnt/events', etcd_events_extra_args: {}, etcd_events_quota_backend_bytes: 2 };
  expect(eventsPillar({ ...MAIN, ...own })).toMatchObject({
    etcd_wal_dir: '/mnt/events',
    etcd_extra_args: {},
    etcd_quota_backend_bytes: 2,
  });
});

it('leaves main’s as it was', () => {
  const before = structuredClone(MAIN);
  eventsPillar(MAIN);
  expect(MAIN).toEqual(before);
});
