// Objects of the API: what is compared, how a host asks for them, and what is written; with an API of two small scripts.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kubernetesAbsent } from '../../../../src/modules/kubernetes/absent.ts';
import { NO_CERTIFICATE, type Sighting } from '../../../../src/modules/kubernetes/api.sh.ts';
import { kubernetesApplied } from '../../../../src/modules/kubernetes/applied.ts';
import type { AnyModule, Change, ClusterView, Controller } from '../../../../src/modules/module.ts';
import type { Value, ValueMap } from '../../../../src/value.ts';
import { complete } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const OWN = '192.0.2.11:6443';
const OTHER = '192.0.2.12:6443';
const ID = {
  api_version: 'batch/v1beta1',
  kind: 'CronJob',
  name: 'backup',
  namespace: 'kube-system',
  server: OWN,
  servers: [OWN, OTHER],
};
const PATH = '/apis/batch/v1beta1/namespaces/kube-system/cronjobs/backup';
const METADATA = { name: 'backup', namespace: 'kube-system' };
const DOCUMENT = { apiVersion: 'batch/v1beta1', kind: 'CronJob', metadata: METADATA, spec: { schedule: '02 6 * * *' } };
const THERE = {
  ...DOCUMENT,
  metadata: { ...METADATA, uid: '0b1f-7a', resourceVersion: '812', generation: 3 },
  spec: { ...DOCUMENT.spec, suspend: false },
};
const NOT_FOUND = { kind: 'Status', reason: 'NotFound', details: { name: 'backup', kind: 'cronjobs' }, code: 404 };

const applied = (more: object = {}) => complete(kubernetesApplied, { ...ID, document: DOCUMENT, ...more } as ValueMap);
const absent = (more: object = {}) => complete(kubernetesAbsent, { ...ID, ...more } as ValueMap);

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
    mkdirSync(join(host.root, 'pki'));
    writeFileSync(join(host.root, 'pki/apiserver-kubelet-client.crt'), '');
    mkdirSync(join(host.home, 'runs/r1'), { recursive: true });
    install('kubectl', `echo "$*" >>${host.root}/kubectl; case "$*" in *-f*) cat >${host.root}/sent ;; esac`);
  });
  afterEach(() => host.remove());

  function install(name: string, script: string): void {
    writeFileSync(join(host.binaries, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  /** What each server says: a status and a body; those that are left out do not answer. */
  function serve(answers: Record<string, [status: number, body: object | string]>): void {
    const cases = Object.entries(answers).map(([server, [status, body]]) => {
      const file = join(host.root, server);
      writeFileSync(file, typeof body === 'string' ? body : JSON.stringify(body, null, 2));
      return `*https://${server}/*) cat ${file}; printf '\\n%s' ${status} ;;`;
    });
    install(
      'curl',
      `printf '%s\\n' "$*" >>${host.root}/asked
case "$*" in
${cases.join('\n')}
*) printf '\\n000'; echo 'curl: (7) Failed to connect' >&2; exit 7 ;;
esac`,
    );
  }
  const pki = () => ({ pki_dir: join(host.root, 'pki') });
  const see = () => host.read(kubernetesApplied, { ...applied(), ...pki() }).seen as Sighting;
  const read = (name: string) => readFileSync(join(host.root, name), 'utf8');

  /** As an apply does with what the plan saw. */
  async function write(module: AnyModule, given: ValueMap, seen: Sighting) {
    const want = { ...given, ...pki(), timeout: 1 };
    const changes = module.diff(want, seen, undefined) as Change[];
    const prepared = await module.prepare!(want, seen, changes, {} as Controller);
    if (!prepared.ok) throw new Error('not prepared');
    return host.write(module.write(prepared.value, changes, { run: 'r1', react: false }));
  }

  it('asks its own API server with the certificate of a client, once', () => {
    serve({ [OWN]: [200, THERE], [OTHER]: [200, DOCUMENT] });
    expect(see()).toEqual({ state: 'found', object: THERE });
    expect(read('asked').trim().split('\n')).toEqual([
      expect.stringMatching(
        new RegExp(`--cert ${host.root}/pki/apiserver-kubelet-client.crt .* https://${OWN}${PATH}$`, 's'),
      ),
    ]);
    expect(existsSync(join(host.root, 'kubectl'))).toBe(false);
  });

  it('asks the others where its own does not answer', () => {
    serve({ [OTHER]: [404, NOT_FOUND] });
    expect(see()).toEqual({ state: 'absent' });
  });

  it('says why nobody could say, and tells a kind that is not served from an object that is not there', () => {
    serve({});
    expect(see()).toEqual({ state: 'unanswered', why: `${OWN}: curl: (7) Failed to connect` });
    serve({ [OWN]: [404, '404 page not found'] });
    expect(see()).toEqual({ state: 'unserved', why: '404 page not found' });
    serve({ [OWN]: [503, 'no leader'], [OTHER]: [403, 'forbidden'] });
    expect(see()).toEqual({ state: 'unanswered', why: `${OWN}: no leader` });
  });

  it('asks with kubectl where there is no client certificate for curl', () => {
    install('kubectl', `case "$*" in *"--server=https://${OWN}"*"get --raw ${PATH}") cat ${host.root}/body ;; esac`);
    writeFileSync(join(host.root, 'body'), JSON.stringify(THERE));
    const want = { ...applied(), pki_dir: '/none', kubeconfig: join(host.root, 'body') };
    expect(host.read(kubernetesApplied, want).seen).toEqual({ state: 'found', object: THERE });
    install('kubectl', `echo 'Error from server (NotFound): cronjobs.batch "backup" not found' >&2; exit 1`);
    expect(host.read(kubernetesApplied, want).seen).toEqual({ state: 'absent' });
  });

  it('asks nobody from a host that has no certificate to ask with', () => {
    serve({ [OWN]: [200, THERE] });
    const want = { ...applied(), pki_dir: '/none', kubeconfig: '/none/admin.conf' };
    expect(host.read(kubernetesApplied, want).seen).toEqual({ state: 'unanswered', why: NO_CERTIFICATE });
    expect(existsSync(join(host.root, 'asked'))).toBe(false);
  });

  it('applies on the server’s side, as quorate, what the plan saw', async () => {
    serve({ [OWN]: [200, THERE] });
    const { status } = await write(kubernetesApplied, applied({ document: { ...DOCUMENT, spec: {} } }), see());
    expect(status).toBe(0);
    expect(read('kubectl')).toMatch(
      new RegExp(`--server=https://${OWN} .*apply --server-side --force-conflicts --field-manager=quorate -f -$`, 'm'),
    );
    expect(JSON.parse(read('sent'))).toEqual({ ...DOCUMENT, spec: {} });
    expect(await write(kubernetesApplied, applied({ server_side: false }), see())).toMatchObject({ status: 0 });
    expect(read('kubectl').trim().split('\n').at(-1)).toMatch(/ apply -f -$/);
  });

  it.each([
    ['changed', [200, { ...THERE, metadata: { ...THERE.metadata, generation: 4 } }]],
    ['made anew', [200, { ...THERE, metadata: { ...THERE.metadata, uid: 'ffff-1' } }]],
  ] as const)('leaves alone what somebody has %s since the plan', async (_how, answer) => {
    serve({ [OWN]: [200, THERE] });
    const seen = see();
    serve({ [OWN]: [...answer] });
    for (const [module, want] of [
      [kubernetesApplied, applied()],
      [kubernetesAbsent, absent()],
    ] as const) {
      expect(await write(module, want, seen)).toMatchObject({ status: 1, stderr: expect.stringMatching(/plan again/) });
    }
    expect(existsSync(join(host.root, 'kubectl'))).toBe(false);
  });

  it('leaves alone what has come to be since the plan, and writes where nobody could say before', async () => {
    serve({ [OWN]: [200, THERE] });
    expect(await write(kubernetesApplied, applied(), { state: 'absent' })).toMatchObject({ status: 1 });
    expect(await write(kubernetesApplied, applied(), { state: 'unanswered', why: '' })).toMatchObject({ status: 0 });
    expect(JSON.parse(read('sent'))).toEqual(DOCUMENT);
  });

  it('says what it waited for', async () => {
    serve({});
    expect(await write(kubernetesApplied, applied(), { state: 'absent' })).toMatchObject({
      status: 1,
      stderr: `no API server has answered within 1 s: ${OWN}: curl: (7) Failed to connect\n`,
    });
  });

  it('keeps in the trash what it deletes', async () => {
    serve({ [OWN]: [200, THERE] });
    expect(await write(kubernetesAbsent, absent(), see())).toMatchObject({ status: 0, stderr: '' });
    expect(read('kubectl')).toMatch(
      /delete cronjobs\.v1beta1\.batch backup --namespace=kube-system --ignore-not-found --timeout=1s$/m,
    );
    const trash = join(host.home, 'trash/r1');
    expect(JSON.parse(readFileSync(join(trash, '1/CronJob-backup.json'), 'utf8'))).toEqual(THERE);
    expect(readdirSync(join(host.home, 'runs/r1'))).toEqual([]);
  });

  it('has nothing to delete where the object is gone by then', async () => {
    serve({ [OWN]: [404, NOT_FOUND] });
    expect(await write(kubernetesAbsent, absent(), { state: 'unanswered', why: '' })).toMatchObject({ status: 0 });
    expect(existsSync(join(host.root, 'kubectl'))).toBe(false);
  });
});

describe('kubernetes.applied', () => {
  const found = (object: object): Sighting => ({ state: 'found', object: object as Value });
  const diff = (document: object, object: object) =>
    kubernetesApplied.diff(applied({ document: { ...DOCUMENT, ...document } }) as never, found(object), undefined);

  it('wants what its document says, and leaves to others what they have added', () => {
    expect(diff({}, THERE)).toEqual([]);
  });

  it('shows exactly what differs, by its path', () => {
    expect(diff({ spec: { schedule: '0 7 * * *' } }, THERE)).toEqual([
      { path: 'spec.schedule', before: '02 6 * * *', after: '0 7 * * *' },
    ]);
    const spec = (image: string) => ({ spec: { containers: [{ name: 'a' }, { name: 'b', image }] } });
    expect(diff(spec('new'), { ...THERE, ...spec('old') })).toEqual([
      { path: 'spec.containers[1].image', before: 'old', after: 'new' },
    ]);
    expect(diff({ spec: { list: ['a'] } }, { ...THERE, spec: { list: ['a', 'b'] } })).toEqual([
      { path: 'spec.list', before: ['a', 'b'], after: ['a'] },
    ]);
    expect(diff({ spec: { more: { a: 1 } } }, THERE)).toEqual([{ path: 'spec.more', before: null, after: { a: 1 } }]);
  });

  it('takes equal quantities for equal, and empty for absent', () => {
    const size = (storage: string) => ({ spec: { resources: { requests: { storage } } } });
    expect(diff(size('1024Mi'), { ...THERE, ...size('1Gi') })).toEqual([]);
    expect(diff(size('2Gi'), { ...THERE, ...size('1Gi') })).toEqual([
      { path: 'spec.resources.requests.storage', before: '1Gi', after: '2Gi' },
    ]);
    expect(diff({ parameters: {}, list: [] }, THERE)).toEqual([]);
    expect(diff({ spec: { schedule: '1Gi' } }, { ...THERE, spec: { schedule: '1024Mi' } })).toHaveLength(1);
  });

  it('gives only a new object what nobody can change later', async () => {
    const document = { ...DOCUMENT, provisioner: 'new', parameters: { a: '1' } };
    const want = applied({ document, once: ['provisioner', 'parameters'] }) as never;
    const seen = found({ ...THERE, provisioner: 'old', spec: { schedule: '0 7 * * *' } });
    expect(kubernetesApplied.diff(want, seen, undefined)).toEqual([
      { path: 'spec.schedule', before: '0 7 * * *', after: '02 6 * * *' },
    ]);
    const written = async (of: Sighting) => {
      const prepared = await kubernetesApplied.prepare!(want, of, [], {} as Controller);
      return prepared.ok && prepared.value.document;
    };
    expect(await written(seen)).toEqual({ ...DOCUMENT, provisioner: 'old' });
    expect(await written({ state: 'absent' })).toEqual(document);
  });

  it('shows the whole object where it is not there, and what it does not know where nobody answers', () => {
    const changes = (seen: Sighting) => kubernetesApplied.diff(applied() as never, seen, undefined) as Change[];
    expect(changes({ state: 'absent' })).toEqual([
      { path: 'exists', before: null, after: 'a CronJob' },
      { path: 'document', before: null, after: expect.stringContaining('schedule: 02 6 * * *') },
    ]);
    const unanswered: Sighting = { state: 'unanswered', why: 'no leader' };
    expect(changes(unanswered)[0]!.before).toBe('(unknown: no leader)');
    const founded = { beginning: { kind: 'bootstrap' } } as ClusterView;
    expect(kubernetesApplied.diff(applied() as never, unanswered, founded)).toEqual(changes({ state: 'absent' }));
  });

  it('refuses a document of another object than the one that is read', () => {
    expect(kubernetesApplied.diff(applied({ name: 'other' }) as never, { state: 'absent' }, undefined)).toEqual({
      refused:
        'its document is of batch/v1beta1 CronJob kube-system backup, and its parameters are of batch/v1beta1 CronJob kube-system other',
      next: 'give api_version, kind, namespace and name as the document has them',
    });
  });

  it('tells the next runs of a schedule that is new, and of no other', () => {
    const tell = (document: object, seen: Sighting) =>
      kubernetesApplied.warn!(applied({ document: { ...DOCUMENT, ...document } }) as never, seen);
    const time = '\\d{4}-\\d\\d-\\d\\d 06:02';
    const runs = new RegExp(`^CronJob kube-system/backup runs next at ${time}, ${time}, ${time} \\(UTC\\)$`);
    expect(tell({}, { state: 'absent' })).toEqual([expect.stringMatching(runs)]);
    expect(tell({}, found({ ...THERE, spec: { schedule: '0 7 * * *' } }))).toEqual([expect.stringMatching(runs)]);
    expect(tell({}, found(THERE))).toEqual([]);
    expect(tell({ spec: { schedule: '02 6 * * *', suspend: true } }, found(THERE))).toEqual([]);
  });
});

describe('kubernetes.absent', () => {
  const diff = (seen: Sighting) => kubernetesAbsent.diff(absent() as never, seen, undefined);

  it('has nothing to do where there is no such object', () => {
    expect(diff({ state: 'absent' })).toEqual([]);
    expect(diff({ state: 'unserved', why: '' })).toEqual([]);
  });

  it('holds up no run where nobody could say, and tells it, but not of a host that is no master yet', () => {
    const seen = (why: string): Sighting => ({ state: 'unanswered', why });
    expect(diff(seen('no leader'))).toEqual([]);
    expect(kubernetesAbsent.warn!(absent() as never, seen('no leader'))).toEqual([
      'whether there is a CronJob kube-system/backup, which is not wanted, nobody could say (no leader); the next apply asks again',
    ]);
    expect(kubernetesAbsent.warn!(absent() as never, seen(NO_CERTIFICATE))).toEqual([]);
  });

  it('says what stays, when it deletes', () => {
    const note = 'the volume stays';
    const tell = (seen: Sighting) => kubernetesAbsent.warn!(absent({ note }) as never, seen);
    expect(diff({ state: 'found', object: {} })).toEqual([{ path: 'exists', before: 'a CronJob', after: null }]);
    expect(tell({ state: 'found', object: {} })).toEqual([note]);
    expect(tell({ state: 'absent' })).toEqual([]);
  });
});
