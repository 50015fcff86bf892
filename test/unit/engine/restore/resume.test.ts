// What going on with a restore asks the hosts first: whether they know it, and what runs on those that it left out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { etcdClusters } from '../../../../src/engine/clusters.ts';
import type { Held } from '../../../../src/engine/hold.ts';
import { type Loaded, load } from '../../../../src/engine/load.ts';
import { prepareResume } from '../../../../src/engine/restore/go-on.ts';
import { formatRecord, type RestoreRecord } from '../../../../src/engine/restore/record.ts';
import type { StepScope } from '../../../../src/engine/restore/steps.ts';
import { succeed } from '../../../../src/failure.ts';
import { readProcedure } from '../../../../src/procedures/read.ts';
import type { Answer, Program } from '../../../../src/shell/program.ts';

const STATES = join(import.meta.dirname, '../../../../states');
const RECORD: RestoreRecord = {
  run: 'r1',
  cluster: 'main',
  from: 's3://backups/main/a.db',
  sha256: 'a'.repeat(64),
  revision: 9,
  generation: 1,
  keys: 0,
  prefixes: {},
  canary: null,
  without: ['m3'],
  at: '2026-01-01T00:00:00Z',
};
const KNOWN = `restore r1 open no 4096 ${formatRecord(RECORD).replaceAll('\n', '')}\n`;
const folder = mkdtempSync(join(tmpdir(), 'quorate-resume-'));
let loaded: Loaded;

beforeAll(async () => {
  const hosts = ['m1', 'm2', 'm3'].map((name, at) => `    ${name}: { ansible_host: 10.0.0.${at + 1} }\n`).join('');
  writeFileSync(join(folder, 'inventory.yaml'), `masters:\n  hosts:\n${hosts}  vars: { etcd_cluster: main }\n`);
  const attempt = await load({
    inventory: join(folder, 'inventory.yaml'),
    target: 'masters',
    stateDirectories: [STATES],
    states: ['kubernetes.etcd.expendable'],
    limits: {},
  });
  if (!attempt.ok) throw new Error(attempt.failures[0]!.message);
  loaded = attempt.value;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** By host, what it answers when it is asked about restores, and what it says runs there; a host that is missing does not answer. */
interface Hosts {
  /** `serves`: its member, with a leader. */
  [host: string]: { restores?: string; running?: string | false; serves?: true };
}

/** A host of the run has its session already; `later` has one only when it is asked for. */
async function resume(hosts: Hosts, later: Hosts = {}) {
  const closed: string[] = [];
  const session = (host: string, { restores = '', running = '' }: Hosts[string]) => ({
    host,
    async read({ parts }: Program) {
      const said = parts[0]!.id === 'survey' ? restores : running;
      const answer: Partial<Answer> = { status: said === false ? 1 : 0, stdout: Buffer.from(said || ''), stderr: '' };
      return { answers: [answer] };
    },
    close: async () => void closed.push(host),
  });
  const sessions = new Map(Object.entries(hosts).map(([host, said]) => [host, session(host, said)]));
  const connect = async ({ name }: { name: string }) =>
    later[name]
      ? { ok: true, session: session(name, later[name]) }
      : { ok: false, failure: { reason: 'unreachable', message: 'no route' } };
  const procedure = await readProcedure(STATES, 'restore');
  if (!procedure.ok) throw new Error(procedure.failures[0]!.message);
  const scopes: StepScope[] = [];
  const { signal } = new AbortController();
  const prepared = await prepareResume(
    {
      live: { loaded, connect, parallel: 3, kill: signal, connections: { sessions, failures: new Map() } },
      seen: { probes: new Map(Object.entries(hosts).map(([host, said]) => [host, probe(said)])), failures: new Map() },
    } as unknown as Held,
    {
      run: 'r1',
      cluster: etcdClusters(loaded).get('main')!,
      procedure: procedure.value,
      load: async (_state, _given, scope) => {
        scopes.push(scope);
        return succeed(loaded);
      },
      announce: () => {},
    },
  );
  return { prepared, scopes, closed };
}

function probe({ serves }: Hosts[string]) {
  return { members: new Map(serves ? [['main', { status: { healthy: true } }]] : []) };
}

const refused = (message: RegExp, host?: string) => ({
  ok: false,
  failures: [{ reason: 'guard', message: expect.stringMatching(message), ...(host ? { host } : {}) }],
});
const BOTH = { m1: { restores: KNOWN }, m2: { restores: KNOWN } };

it('goes on without the host that was left out, as long as that is not there', async () => {
  const { prepared, scopes } = await resume(BOTH);
  expect(prepared.ok).toBe(true);
  expect(scopes.map(({ leftOut }) => leftOut)).toEqual(scopes.map(() => ['m3']));
});

it('goes on while it is there, and nothing of the cluster runs on it; no connection to it stays', async () => {
  expect((await resume({ ...BOTH, m3: {} })).prepared.ok).toBe(true);
  const { prepared, closed } = await resume(BOTH, { m3: {} });
  expect([prepared.ok, closed]).toEqual([true, ['m3']]);
});

it('is refused where the cluster, that had no quorum when it was begun, serves', async () => {
  const { prepared, scopes } = await resume({ ...BOTH, m2: { restores: KNOWN, serves: true } });
  expect(prepared).toMatchObject(refused(/^cluster main had no quorum when the restore r1 was begun, and has one now/));
  expect(scopes).toEqual([]);
});

test.each([
  ['etcd', /^it is to be left out, but can be reached, and etcd runs/],
  ['etcd.service', /and etcd\.service is enabled/],
  ['etcd.yaml', /and etcd\.yaml is among its manifests/],
  [false, /and nobody can say what runs there/],
] as const)('is refused where the host that was left out is there again with %s', async (running, message) => {
  expect((await resume({ ...BOTH, m3: { running } })).prepared).toMatchObject(refused(message, 'm3'));
  expect((await resume(BOTH, { m3: { running } })).prepared).toMatchObject(refused(message, 'm3'));
});

it('is not begun anew where those that know it may be out of reach', async () => {
  const { prepared } = await resume({ m1: {}, m3: {} });
  expect(prepared).toMatchObject(
    refused(/^no host of main that can be asked knows a restore r1, and m2 cannot be asked$/),
  );
  expect(JSON.stringify(prepared)).not.toContain('quorate restore');
});

it('is said to have begun nowhere where all of them say so', async () => {
  const { prepared } = await resume({ m1: {}, m2: {}, m3: {} });
  expect(prepared).toMatchObject(refused(/^no host of main knows a restore r1: nothing of it was begun there$/));
  expect(prepared).toMatchObject({ failures: [{ next: expect.stringContaining('quorate restore --from') }] });
});
