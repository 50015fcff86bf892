// Whether a host's API server is ready: what is asked, how, and what an operator is told where it is not.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kubernetesReady } from '../../../../src/modules/kubernetes/ready.ts';
import { Host, SHELLS } from '../host.ts';

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => void server.close());

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  let manifest: string;
  beforeEach(() => {
    host = new Host(shell);
    manifest = join(host.root, 'kube-apiserver.yaml');
    writeFileSync(manifest, '');
  });
  afterEach(() => host.remove());

  const see = (more: object = {}) =>
    kubernetesReady.parse(
      host.run(kubernetesReady.read({ port, pki_dir: '/etc/pki', manifests: [manifest], ...more })),
    );
  function install(name: string, script: string): void {
    writeFileSync(join(host.binaries, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  it('is ready where it says ok, asked with the certificate of a client', () => {
    install('curl', `echo "$*" >${host.root}/asked; printf ok`);
    expect(see()).toBe('');
    expect(readFileSync(join(host.root, 'asked'), 'utf8').trim()).toMatch(
      new RegExp(
        `--cacert /etc/pki/ca.crt --cert /etc/pki/apiserver-kubelet-client.crt --key /etc/pki/apiserver-kubelet-client.key https://127.0.0.1:${port}/readyz$`,
      ),
    );
  });

  it('is asked again for a while, because its etcd may just have had an election', () => {
    install(
      'curl',
      `echo >>${host.root}/n; [ $(wc -l <${host.root}/n) -lt 3 ] && { echo '[-]etcd failed'; exit 22; }; printf ok`,
    );
    expect(see()).toBe('');
  });

  it('is not ready where a manifest is missing, or nothing listens, and nothing is asked then', () => {
    install('curl', 'printf ok');
    expect(see({ manifests: [manifest, '/none/kube-scheduler.yaml'] })).toBe('there is no /none/kube-scheduler.yaml');
    expect(see({ port: 1 })).toBe('nothing listens on port 1');
  });

  it('fails at once where its manifest is missing, and says what it waited for where it is never ready', () => {
    const want = { port: 1, pki_dir: '/etc/pki', manifests: [manifest], timeout: 1 };
    const run = (more: object) =>
      host.run(kubernetesReady.write({ ...want, ...more }, [], { run: 'r1', react: false }).script);
    expect(run({ manifests: ['/none/a.yaml'], timeout: 600 })).toMatchObject({
      status: 1,
      stderr: 'there is no /none/a.yaml, so the kubelet does not start it\n',
    });
    expect(run({})).toMatchObject({ status: 1, stderr: expect.stringMatching(/^waited 1 s for the API server: /) });
  });
});

describe('kubernetes.ready', () => {
  it('waits for what is not ready, and says why', () => {
    const want = { port: 6443, pki_dir: '/etc/pki', manifests: ['/m'], timeout: 9 };
    expect(kubernetesReady.diff(want, '', undefined)).toEqual([]);
    expect(kubernetesReady.diff(want, 'nothing listens on port 6443', undefined)).toEqual([
      { path: 'ready', before: 'nothing listens on port 6443', after: 'ok' },
    ]);
  });
});
