// What ends soon, is full, or is not as young as it should be.
import { answered, type Case, certificate } from '../scene.ts';

export const ENDINGS: Case[] = [
  {
    what: 'a certificate that has ended',
    spoiled: { 1: { certificates: [certificate('server', -3.5)] } },
    found: ['critical certificate-expired'],
    says: /^certificates have expired, and connections that need them are refused: m1 server.crt \(3 d ago\)$/,
  },
  {
    what: 'a certificate that ends soon',
    spoiled: { 1: { certificates: [certificate('server', 9.5)] } },
    found: ['warning certificate-expiring'],
    says: /^certificates expire soon: m1 server.crt \(in 9 d\)$/,
  },
  {
    what: 'certificates that end together are told together',
    spoiled: Object.fromEntries(
      [1, 2].map((at) => [at, { certificates: [certificate('server', 9.5), certificate('peer', 9.5)] }]),
    ),
    found: ['warning certificate-expiring'],
    says: /: m1 server.crt \(in 9 d\), peer.crt \(in 9 d\); m2 server.crt \(in 9 d\), peer.crt \(in 9 d\)$/,
  },
  {
    what: 'a certificate of the future',
    spoiled: { 1: { certificates: [certificate('server', 500, 100)] } },
    found: ['critical certificate-not-yet-valid'],
  },
  {
    what: 'a certificate that is not there, and one that is none',
    spoiled: {
      1: {
        certificates: [
          { file: '/p/peer.crt', state: 'missing' },
          { file: '/p/ca.crt', state: 'unreadable' },
        ],
      },
    },
    found: ['warning certificate-missing'],
    says: /: m1 peer.crt missing, ca.crt unreadable$/,
  },
  {
    what: 'a database near its quota',
    spoiled: { 1: answered(1, { dbSize: 1.8 * 1024 ** 3, dbSizeInUse: 1024 ** 3 }) },
    found: ['warning database-full'],
    says: /fills 90% of its quota: 1.8 GiB of 2.0 GiB, of which a defragmentation would give back 819 MiB/,
  },
  {
    what: 'a database at its quota',
    spoiled: { 1: answered(1, { dbSize: 1.95 * 1024 ** 3, dbSizeInUse: 1.9 * 1024 ** 3 }) },
    found: ['critical database-full'],
  },
  {
    what: 'a disk with little room',
    spoiled: { 1: { data: { member: true, free: 1024 ** 3 } } },
    found: ['warning disk-full'],
  },
  {
    what: 'clocks that run apart',
    spoiled: { 1: { clock: { offset: -1500, uncertainty: 20 } } },
    found: ['warning clock-skew'],
    says: /^the clocks are 1.5 s apart: m1 −1.5 s, m2 \+0.0 s, m3 \+0.0 s/,
  },
  {
    what: 'clocks whose difference may be that of asking',
    spoiled: { 1: { clock: { offset: -1500, uncertainty: 700 } } },
    found: [],
  },
  {
    what: 'a version that loses data',
    spoiled: { 1: answered(1, { version: '3.5.1' }) },
    found: ['critical version-deny-listed', 'warning versions-mixed'],
    says: /^etcd 3.5.1 \(m1\) is deny-listed for /,
  },
  {
    what: 'a version with a known fault',
    spoiled: Object.fromEntries([1, 2, 3].map((at) => [at, answered(at, { version: '3.5.16' })])),
    found: ['warning version-deny-listed'],
  },
  {
    what: 'an upgrade half done',
    spoiled: { 1: answered(1, { version: '3.4.34' }) },
    found: ['warning versions-mixed'],
    says: /^the members run different versions: m1 3.4.34; m2, m3 3.5.30$/,
  },
];
