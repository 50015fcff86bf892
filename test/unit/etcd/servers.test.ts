import { expect, it } from 'vitest';
import { etcdServers, eventsOverride } from '../../../src/etcd/servers.ts';

const MEMBERS = [
  { address: '10.0.0.1', clientPort: 2382 },
  { address: 'm2.example.com', clientPort: 2382 },
  { address: 'fd00::3', clientPort: 12382 },
];

it('lists the servers of the API server with commas', () => {
  expect(etcdServers(MEMBERS)).toBe('https://10.0.0.1:2382,https://m2.example.com:2382,https://[fd00::3]:12382');
});

it('overrides the servers of the core group events with semicolons, because commas part one override from the next', () => {
  expect(eventsOverride(MEMBERS)).toBe(
    '/events#https://10.0.0.1:2382;https://m2.example.com:2382;https://[fd00::3]:12382',
  );
  expect(eventsOverride(MEMBERS.slice(0, 1))).toBe('/events#https://10.0.0.1:2382');
});

it('leaves brackets that are there', () => {
  expect(etcdServers([{ address: '[fd00::3]', clientPort: 2379 }])).toBe('https://[fd00::3]:2379');
});
