// Which kubelet goes with which control plane.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { kubernetesKubelet } from '../../../../src/modules/kubernetes/kubelet.ts';
import { Host, SHELLS } from '../host.ts';

const differ = (kubernetes_version: string | null, seen: string) => {
  const said = kubernetesKubelet.diff({ path: '/usr/bin/kubelet', kubernetes_version }, seen, undefined);
  return Array.isArray(said) ? 'ok' : said.refused;
};
const WRONG = (plane: string, why: string) => `which does not go with a control plane of ${plane}: ${why}`;

test.each([
  ['1.34.1', '1.34.0', 'ok'],
  ['1.34.1', '1.31.9', 'ok'],
  ['1.34.1', '1.30.9', WRONG('1.34.1', 'it is more than 3 minor versions behind')],
  ['1.22.0', '1.20.2', 'ok'],
  ['1.23.0', '1.20.2', WRONG('1.23.0', 'it is more than 2 minor versions behind')],
  ['1.20.2', '1.21.0', WRONG('1.20.2', 'a kubelet is never newer than its API server')],
  ['1.20.2', '?', WRONG('1.20.2', 'its version cannot be read')],
  ['1.20.2', '-', 'there is no kubelet at /usr/bin/kubelet'],
  [null, '-', 'there is no kubelet at /usr/bin/kubelet'],
  [null, '1.9.0', 'ok'],
])('a control plane of %s and a kubelet of %s: %s', (plane, kubelet, expected) => {
  expect(differ(plane, kubelet)).toContain(expected);
});

describe.each(SHELLS)('on a host with %s', (shell) => {
  it.each([
    ['Kubernetes v1.20.2', '1.20.2'],
    ['Kubernetes v1.34.1-rc.0 extra', '1.34.1-rc.0'],
    ['something else', '?'],
  ])('%s is read as %s', (said, version) => {
    const host = new Host(shell);
    const path = join(host.root, 'kubelet');
    expect(host.read(kubernetesKubelet, { path }).seen).toBe('-');
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo '${said}'\n`, { mode: 0o755 });
    expect(host.read(kubernetesKubelet, { path }).seen).toBe(version);
    host.remove();
  });
});
