import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { isUnfit, type Launch, type LaunchFile } from '../../../../src/etcd/settings/launch.ts';
import { readPod } from '../../../../src/etcd/settings/pod.ts';
import { KUBEADM_1_20 } from './manifests.ts';

const file = (text: string): LaunchFile => ({ kind: 'manifest', path: '/etc/kubernetes/manifests/etcd.yaml', text });

function read(text: string): Launch {
  const launch = readPod(file(text));
  if (isUnfit(launch)) throw new Error(launch.wrong);
  return launch;
}

function edited(text: string, flags: [string, string | null][], more = {}): string {
  const files = read(text).edit({ flags: new Map(flags), ...more });
  if (isUnfit(files)) throw new Error(files.wrong);
  return files[0]!.text;
}

describe('a manifest of kubeadm', () => {
  it('says flags, image and resources', () => {
    const { flags, image, resources, program } = read(KUBEADM_1_20);
    expect([flags.size, flags.get('name'), flags.get('snapshot-count')]).toEqual([17, 'm1', '10000']);
    expect([program, image]).toEqual(['etcd', 'k8s.gcr.io/etcd:3.4.13-0']);
    expect(resources?.requests).toEqual({ cpu: '100m', 'ephemeral-storage': '100Mi', memory: '100Mi' });
  });

  it('is changed in what was asked, and is the same data otherwise', () => {
    const text = edited(KUBEADM_1_20, [
      ['snapshot-count', '20000'],
      ['max-wals', '3'],
    ]);
    const expected = load(
      KUBEADM_1_20.replace('count=10000', 'count=20000').replace('    image:', '    - --max-wals=3\n    image:'),
    );
    expect(load(text)).toEqual(expected);
    expect(load(edited(KUBEADM_1_20, [['snapshot-count', null]]))).toEqual(
      load(KUBEADM_1_20.replace('    - --snapshot-count=10000\n', '')),
    );
    expect(load(edited(KUBEADM_1_20, [], { annotations: { 'example.com/x': 'y' } }))).toEqual(
      load(KUBEADM_1_20.replace('  labels:', '    example.com/x: y\n  labels:')),
    );
    const resources = { requests: { cpu: '1' }, limits: {} };
    const grown = load(edited(KUBEADM_1_20, [], { image: 'x/etcd:3.5.16-0', resources })) as {
      spec: { containers: { image: string; resources: unknown }[] };
    };
    expect(grown.spec.containers[0]).toMatchObject({ image: 'x/etcd:3.5.16-0', resources: { requests: { cpu: '1' } } });
  });
});

describe('a path in a pod', () => {
  it('is where its volume has it on the host', () => {
    const { hostPath } = read(KUBEADM_1_20.replace('      path: /var/lib/etcd', '      path: /mnt/etcd/'));
    expect(
      ['/var/lib/etcd', '/var/lib/etcd/member', '/etc/kubernetes/pki/etcd/ca.crt', '/var/lib', '/x'].map(hostPath!),
    ).toEqual(['/mnt/etcd', '/mnt/etcd/member', '/etc/kubernetes/pki/etcd/ca.crt', undefined, undefined]);
  });

  it('is not changed to one where the host has nothing: etcd would begin empty there', () => {
    const change = (path: string) => read(KUBEADM_1_20).edit({ flags: new Map([['data-dir', path]]) });
    expect(change('/mnt/etcd')).toMatchObject({
      wrong:
        '--data-dir=/mnt/etcd cannot be written to /etc/kubernetes/manifests/etcd.yaml: its pod has nothing of the host there',
    });
    expect(change('/var/lib/etcd/default')).toMatchObject([{ path: '/etc/kubernetes/manifests/etcd.yaml' }]);
  });
});

const pod = (container: object) =>
  JSON.stringify({ spec: { containers: [{ name: 'helper', command: ['sleep'] }, container] } });

describe('a manifest of somebody else', () => {
  it('may have its flags as arguments, in two words, or in the environment, and they are changed there', () => {
    const text = pod({
      command: ['/usr/local/bin/etcd'],
      args: ['--data-dir', '/data', '-pre-vote', '--snapshot-count', '5'],
      env: [
        { name: 'ETCD_NAME', value: 'm1' },
        { name: 'GOMAXPROCS', value: '2' },
      ],
    });
    expect([...read(text).flags]).toEqual([
      ['name', 'm1'],
      ['data-dir', '/data'],
      ['pre-vote', 'true'],
      ['snapshot-count', '5'],
    ]);
    const changed = load(
      edited(text, [
        ['snapshot-count', '6'],
        ['name', 'm9'],
        ['pre-vote', null],
        ['max-wals', '1'],
      ]),
    ) as { spec: { containers: { args: string[]; env: unknown[] }[] } };
    expect(changed.spec.containers[1]!.args).toEqual(['--data-dir', '/data', '--snapshot-count=6', '--max-wals=1']);
    expect(changed.spec.containers[1]!.env[0]).toEqual({ name: 'ETCD_NAME', value: 'm9' });
  });

  it.each([
    ['no YAML: [', 'is no manifest of a pod with a container that runs etcd'],
    [pod({ command: ['sh', '-c', 'etcd'] }), 'is no manifest of a pod with a container that runs etcd'],
    [pod({ command: ['etcd', 'gateway', 'start'] }), 'starts etcd with words that are no flags: gateway start'],
    [
      pod({ command: ['etcd'], env: [{ name: 'ETCD_NAME', valueFrom: { fieldRef: {} } }] }),
      'gives etcd a variable whose value stands elsewhere',
    ],
  ])('%j is not taken for one', (text, wrong) => {
    expect(readPod(file(text))).toMatchObject({ wrong: `/etc/kubernetes/manifests/etcd.yaml ${wrong}` });
  });
});
