// What the guard of a host's member writes down, and what it refuses.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Beginning } from '../../../../src/etcd/beginning/situation.ts';
import { formatLedger, formatMarker, type Ledger, parseLedger, parseMarker } from '../../../../src/etcd/ledger.ts';
import { initialCluster } from '../../../../src/etcd/members.ts';
import { etcdMember } from '../../../../src/modules/etcd/member.ts';
import type { Change, ClusterView, Refusal, WriteScript } from '../../../../src/modules/module.ts';
import { Host, SHELLS } from '../host.ts';

const WANT = { cluster: 'main', name: 'n1', data_dir: '/var/lib/etcd' };
const NAMED = [
  { host: 'm1', name: 'n1', peerUrl: 'https://10.0.0.1:2380' },
  { host: 'm2', name: 'n2', peerUrl: 'https://10.0.0.2:2380' },
];
const LEDGER: Ledger = {
  cluster: 'main',
  clusterId: 'c1',
  token: 'begun',
  members: NAMED.map(({ name, peerUrl }, n) => ({ name, id: `${n + 1}`, peerUrl })),
  at: '2026-01-01T00:00:00.000Z',
};
const MARKER = { cluster: 'main', token: 'begun', initialCluster: initialCluster(NAMED) };
const REFUSAL: Refusal = { refused: 'no', next: 'x' };

function view(beginning?: Beginning, own?: Refusal): ClusterView {
  const members = NAMED.map((each) => ({ ...each, reachable: true, healthy: false, leader: false }));
  if (own) Object.assign(members[0]!, { refusal: own });
  return { name: 'main', members, ...(beginning ? { beginning } : {}) };
}

const flat = (text: string) => text.replaceAll('\n', '');
const seen = (marker = '', ledger = '', hasData = false) => ({ hasData, marker: flat(marker), ledger: flat(ledger) });
const marked = seen(formatMarker(MARKER));
const known: Beginning = { kind: 'known', ledger: LEDGER };

test.each<[string, ReturnType<typeof seen>, ClusterView | undefined, string[] | RegExp]>([
  ['a bootstrap is marked first', seen(), view({ kind: 'bootstrap', token: 'begun' }), ['bootstrap']],
  ['once', marked, view({ kind: 'resume', token: 'begun' }), []],
  ['on the hosts that it had not come to', seen(), view({ kind: 'resume', token: 'begun' }), ['bootstrap']],
  ['a marker of another token is replaced', marked, view({ kind: 'bootstrap', token: 'other' }), ['bootstrap']],
  ['a cluster that serves is written down, and its marker goes', marked, view(known), ['ledger', 'bootstrap']],
  ['also one that was found', seen(), view({ kind: 'adopted', ledger: LEDGER }), ['ledger']],
  ['and then there is nothing to do', seen('', formatLedger(LEDGER)), view(known), []],
  ['whenever it was written', seen('', formatLedger({ ...LEDGER, at: 'x' })), view(known), []],
  ['a ledger of another id is not it', seen('', formatLedger({ ...LEDGER, clusterId: 'c2' })), view(known), ['ledger']],
  ['a damaged ledger is written again', seen('', '{'), view(known), ['ledger']],
  ['what the cluster may not do, its member may not', marked, view({ kind: 'refused', refusal: REFUSAL }), /^no$/],
  ['nor what it itself may not', seen('', formatLedger(LEDGER)), view(known, REFUSAL), /^no$/],
  ['nobody may be judged', seen(), view(), /no member of the cluster main/],
  ['a host is in no cluster', seen(), undefined, /^n1 is no member of the cluster main as inventory/],
  ['it is in another', seen(), { ...view(known), name: 'events' }, /no member of the cluster main/],
  ['nobody has that name', seen(), { ...view(known), members: view(known).members.slice(1) }, /no member/],
])('%s', (_promise, has, cluster, expected) => {
  const difference = etcdMember.diff(WANT, has, cluster);
  if (expected instanceof RegExp) expect((difference as Refusal).refused).toMatch(expected);
  else expect((difference as Change[]).map(({ path }) => path)).toEqual(expected);
});

test('what serves and nobody knew is a record; what has changed since is a change', () => {
  const adopted = etcdMember.diff(WANT, seen(), view({ kind: 'adopted', ledger: LEDGER })) as Change[];
  const renewed = etcdMember.diff(WANT, seen(), view(known)) as Change[];
  expect([...adopted, ...renewed].map(({ path, record }) => [path, record])).toEqual([
    ['ledger', true],
    ['ledger', undefined],
  ]);
});

test.each(['', 'data no', 'perhaps\t\t', 'no\t'])('%j is no reading', (stdout) => {
  expect(() => etcdMember.parse({ status: 0, stdout: Buffer.from(stdout), stderr: '' })).toThrow();
});

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
  });
  afterEach(() => host.remove());

  const here = (script: string) => script.replaceAll('/var/lib/quorate', host.home);

  function read() {
    const reading = host.run(here(etcdMember.read({ ...WANT, data_dir: host.root })));
    const found = etcdMember.parse(reading);
    expect(`${etcdMember.fingerprint(found)}\n`).toBe(reading.stdout.toString());
    return found;
  }

  /** The files below the home, without the trash. */
  const files = () => readdirSync(host.home).filter((name) => name.startsWith('main'));

  function apply(cluster: ClusterView): void {
    const changes = etcdMember.diff(WANT, read(), cluster) as Change[];
    const written: WriteScript = etcdMember.write(WANT, changes, { run: 'r1', react: false });
    expect(host.run(here(written.script))).toMatchObject({ status: 0, stderr: '' });
    expect(etcdMember.diff(WANT, read(), cluster)).toEqual([]);
  }

  it('marks a bootstrap, and turns the mark into the ledger, for root alone', () => {
    apply(view({ kind: 'bootstrap', token: 'begun' }));
    expect(files()).toEqual(['main.bootstrap']);
    expect(parseMarker(readFileSync(join(host.home, 'main.bootstrap'), 'utf8'))).toEqual(MARKER);
    apply(view(known));
    expect(files()).toEqual(['main.json']);
    expect(parseLedger(readFileSync(join(host.home, 'main.json'), 'utf8'))).toEqual(LEDGER);
    expect(statSync(join(host.home, 'main.json')).mode & 0o777).toBe(0o600);
  });

  it('loses nothing that it replaces', () => {
    writeFileSync(join(host.home, 'main.json'), 'precious');
    apply(view(known));
    const kept = host.run(`find ${host.home}/trash -type f -exec cat {} +`);
    expect(kept.stdout.toString()).toContain('precious');
    expect(existsSync(join(host.home, 'main.json.part'))).toBe(false);
  });

  it('reads what is there, however odd it is, as one line', () => {
    for (const text of ['', 'a\tb\tc\nd', '\n\n', 'no newline at the end']) {
      writeFileSync(join(host.home, 'main.json'), text);
      expect(read().ledger).toBe(flat(text));
    }
  });
});
