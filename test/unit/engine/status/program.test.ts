// The program of `status`, run for real by each shell on this machine, with an etcdctl and a port that are not etcd's.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lacksRevision, parseHash, parseStatus } from '../../../../src/engine/status/parse.ts';
import {
  hashProgram,
  type ReadProgram,
  type StatusPaths,
  statusProgram,
} from '../../../../src/engine/status/program.ts';
import { makeAuthority } from '../../../../src/pki/issue.ts';
import type { Answer } from '../../../../src/shell/program.ts';
import { openLocalSession } from '../../../../src/transport/local.ts';
import { SHELLS } from '../../shell/shells.ts';

const STATUS =
  '[{"Endpoint":"https://127.0.0.1:2379","Status":{"header":{"cluster_id":14841639068965178418,"member_id":10276657743932975437,"revision":7,"raft_term":2},"version":"3.5.30","dbSize":20480,"leader":10276657743932975437,"raftIndex":9,"raftTerm":2,"raftAppliedIndex":9,"dbSizeInUse":16384}}]';
const LIST =
  '{"header":{"cluster_id":14841639068965178418},"members":[{"ID":10276657743932975437,"name":"m1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":["https://10.0.0.1:2379"]}]}';
const KEY = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

let folder: string;
let server: Server;
let paths: StatusPaths;
let certificate: string;

beforeAll(async () => {
  ({ certificate } = await makeAuthority({ commonName: 'etcd-ca', organization: 'test', days: 10 }));
  server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(() => server.close());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate status $x '));
  for (const name of ['bin', 'pki', 'data', 'manifests']) mkdirSync(join(folder, name));
  for (const name of ['ca', 'server', 'healthcheck-client']) put(`pki/${name}.crt`, `${KEY}${certificate}`);
  put('pki/healthcheck-client.key', KEY);
  etcdctl(`case $* in *"endpoint status"*) echo '${STATUS}' ;; *"member list"*) echo '${LIST}' ;; esac`);
  paths = {
    cluster: 'main',
    service: 'etcd',
    beside: false,
    otherDataDirs: [],
    binDir: join(folder, 'bin'),
    dataDir: join(folder, 'data'),
    manifestDir: join(folder, 'manifests'),
    pkiDir: join(folder, 'pki'),
    kubernetesPkiDir: join(folder, 'pki'),
    runtime: 'static_pod',
    kubelet: 'kubelet',
    clientPort: (server.address() as { port: number }).port,
  };
  return () => rmSync(folder, { recursive: true });
});

function put(path: string, text: string, mode = 0o600): void {
  writeFileSync(join(folder, path), text);
  chmodSync(join(folder, path), mode);
}

function etcdctl(script: string): void {
  put('bin/etcdctl', `#!/bin/sh\nenv >'${folder}/env'\nprintf '%s\\n' "$*" >>'${folder}/calls'\n${script}\n`, 0o755);
}

async function run(shell: [string, ...string[]], program: ReadProgram = statusProgram([paths])): Promise<Answer[]> {
  const session = openLocalSession('m1', { shell, env: { ...process.env, ETCDCTL_ENDPOINTS: 'http://elsewhere' } });
  const signal = new AbortController().signal;
  const { answers, failure } = await session.read(program, { signal, limitMs: 10_000 });
  await session.close();
  expect(failure).toBeUndefined();
  return answers;
}

it('whatever a host prints, what is seen has its form', () => {
  const ids = ['clock', 'processes', 'runtime', 'member', 'list', 'certificates', 'ledger', 'data'];
  const words = fc.constantFrom(
    'asked',
    '= /x',
    'free 1e99',
    '12 T',
    '99999999999999 S',
    '-----BEGIN CERTIFICATE-----',
    '{"x":',
  );
  const texts = fc.array(fc.oneof(words, fc.string())).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(fc.constantFrom(...ids), texts, (id, text) => {
      const answer: Answer = {
        id,
        state: 'ran',
        status: 0,
        stdout: Buffer.from(text),
        stderr: text,
        truncated: false,
        ms: 1,
      };
      const told = parseStatus([answer], paths, { sent: 1, answered: 2 });
      expect(JSON.stringify(told)).not.toMatch(/null|e\+/);
    }),
  );
});

describe.each(SHELLS)('in %s', (_name, shell) => {
  it('tells two members of a host apart, each with its own data and manifest', async () => {
    for (const name of ['data/member', 'events/member']) mkdirSync(join(folder, name), { recursive: true });
    put('manifests/etcd-events.yaml', '{}');
    const events: StatusPaths = {
      ...paths,
      cluster: 'main-events',
      service: 'etcd-events',
      beside: true,
      otherDataDirs: [paths.dataDir],
      dataDir: join(folder, 'events'),
      clientPort: 1,
    };
    const answers = await run(shell, statusProgram([paths, events]));
    expect(parseStatus(answers, paths, undefined)).toMatchObject({
      member: { state: 'answered' },
      runtime: { manifest: join(folder, 'manifests/etcd.yaml') },
    });
    expect(parseStatus(answers, events, undefined)).toMatchObject({
      member: { state: 'closed' },
      runtime: { manifest: join(folder, 'manifests/etcd-events.yaml'), present: true },
      data: { member: true },
    });
  });

  it('tells all that there is, and nothing of a key', async () => {
    mkdirSync(join(folder, 'data/member/snap'), { recursive: true });
    put('data/member/snap/db', 'x'.repeat(4096));
    put('manifests/etcd.yaml', '{}');
    const sent = Date.now();
    const answers = await run(shell);
    const told = parseStatus(answers, paths, { sent, answered: Date.now() });

    expect(told.member).toMatchObject({ state: 'answered', status: { memberId: '8e9e05c52164694d', revision: 7 } });
    expect(told.list).toMatchObject([{ id: '8e9e05c52164694d', name: 'm1', started: true }]);
    expect(told.runtime).toMatchObject({ kind: 'static_pod', present: true });
    expect(told.data).toMatchObject({ member: true, size: 4096, free: expect.any(Number) });
    expect(Math.abs(told.clock!.offset)).toBeLessThanOrEqual(told.clock!.uncertainty + 1);
    expect(told.certificates!.map(({ file, state }) => [file.slice(folder.length), state])).toEqual([
      ['/pki/ca.crt', 'read'],
      ['/pki/server.crt', 'read'],
      ['/pki/peer.crt', 'missing'],
      ['/pki/healthcheck-client.crt', 'read'],
    ]);
    expect(told).not.toHaveProperty('ledger');
    expect(answers.map(({ stdout, stderr }) => `${stdout}${stderr}`).join()).not.toMatch(/PRIVATE|c2VjcmV0/);
  });

  it('asks etcdctl with flags alone, of which the environment has none', async () => {
    await run(shell);
    expect(readFileSync(join(folder, 'env'), 'utf8').match(/^ETCDCTL_.*/gm)).toEqual(['ETCDCTL_API=3']);
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('knows why there is no answer', async () => {
    etcdctl(
      'echo "{\\"msg\\":\\"x\\",\\"error\\":\\"tls: bad certificate\\"}" >&2; echo "Error: too late" >&2; exit 1',
    );
    const silent = parseStatus(await run(shell), paths, undefined);
    expect(silent.member).toEqual({ state: 'silent', said: 'Error: too late: tls: bad certificate' });
    expect(silent).not.toHaveProperty('list');
    expect(silent).not.toHaveProperty('clock');

    rmSync(join(folder, 'pki/healthcheck-client.key'));
    const file = join(folder, 'pki/healthcheck-client.key');
    expect(parseStatus(await run(shell), paths, undefined).member).toEqual({
      state: 'unasked',
      kind: 'file',
      missing: file,
    });

    paths = { ...paths, clientPort: 1 };
    expect(parseStatus(await run(shell), paths, undefined)).toMatchObject({
      member: { state: 'closed' },
      data: { member: false },
      runtime: { present: false },
    });
  });

  const hashOf = async (behindBarrier: boolean) =>
    (await run(shell, hashProgram(paths, 7, behindBarrier))).find(({ id }) => id === 'hash');

  it('compares hashes, under either name that etcdctl gives them', async () => {
    for (const name of ['Hash', 'HashKV']) {
      etcdctl(`echo '[{"${name}":{"hash":1084519789,"compact_revision":3}}]'`);
      expect(parseHash(await hashOf(true), 7)).toEqual({ revision: 7, compactRevision: 3, hash: 1084519789 });
    }
    etcdctl('exit 1');
    expect(parseHash(await hashOf(false), 7)).toBeUndefined();
  });

  it('takes a revision for one of another history only behind a read that the cluster has agreed on', async () => {
    const future = 'echo "Failed (etcdserver: mvcc: required revision is a future revision)" >&2; exit 1';
    etcdctl(`case $* in *'endpoint health'*) exit 0;; esac; ${future}`);
    expect(lacksRevision(await hashOf(true))).toBe(true);
    etcdctl(future);
    const unread = await hashOf(true);
    expect([lacksRevision(unread), parseHash(unread, 7)]).toEqual([false, undefined]);
  });
});
