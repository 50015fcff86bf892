// The shipped states of the control plane and the kubelet, rendered: one snapshot for each thing that stands on a host.
import { describe, expect, it } from 'vitest';
import { dumpDocument } from '../../../src/modules/file/document.ts';
import type { ValueMap } from '../../../src/value.ts';
import { loaded, wanted } from './rendered.ts';

const EVERYTHING = `
kubernetes_version: 1.34.1
control_plane_endpoint: kubernetes.example.com:8443
apiserver_cert_sans: [api.example.com, 198.51.100.7]
apiserver_port: 7443
service_cidr: fd00:10:96::/112
cluster_cidr: 10.244.0.0/16
dns_domain: example.internal
runtime_config: resource.k8s.io/v1beta1=true,api/all=false
image_repository: registry.example.com/k8s
etcd_pki_dir: /etc/etcd/pki
etcd_client_port: 4001
etcd_events: true
node_name: ip-192-0-2-11.ec2.internal
apiserver_extra_args: { authorization-mode: RBAC, v: "2" }
controller_manager_extra_args: { node-monitor-grace-period: 20s }
scheduler_extra_args: { v: "4" }
kubelet_config: { cgroupDriver: cgroupfs, maxPods: 50 }
kubelet_extra_args: { node-labels: "example.com/rack=r 1" }
storage_backend: etcd3
proxy: { https: "http://proxy.example.com:3128", no_proxy: [192.0.2.64/26] }
`;

/** Each pillar is loaded once. */
const rendered = new Map<string, Promise<Map<string, ValueMap>>>();

async function document(resource: string, pillar: string): Promise<string> {
  const known = rendered.get(pillar) ?? wanted('kubernetes.configured', `control_plane: managed\n${pillar}`);
  rendered.set(pillar, known);
  const want = (await known).get(resource)!;
  return want.content === undefined ? dumpDocument(want.document, 'yaml') : String(want.content);
}

const FILES = {
  'configured/kube-apiserver': 'yaml',
  'configured/kube-controller-manager': 'yaml',
  'configured/kube-scheduler': 'yaml',
  'configured/admin-kubeconfig': 'conf',
  'configured/controller-manager-kubeconfig': 'conf',
  'configured/scheduler-kubeconfig': 'conf',
  'kubelet.configured/kubeconfig': 'conf',
  'kubelet.configured/configuration': 'yaml',
  'kubelet.configured/unit': 'service',
  'kubelet.configured/drop-in': 'service',
};

describe.each([
  ['1.20.2', 'kubernetes_version: 1.20.2\n'],
  ['1.34.1', 'kubernetes_version: 1.34.1\n'],
  ['everything', EVERYTHING],
])('of a managed control plane, %s', (name, pillar) => {
  it.each(Object.entries(FILES))('%s is this', async (resource, ending) => {
    const file = `snapshots/control-plane/${name}/${resource.replaceAll('/', '-')}.${ending}.txt`;
    await expect(await document(resource, pillar)).toMatchFileSnapshot(file);
  });
});

describe('a proxy', () => {
  const path = '/etc/systemd/system/containerd.service.d/90-quorate-proxy.conf';

  it('is told to the container runtime, which is restarted for it', async () => {
    const file = 'snapshots/control-plane/everything/kubelet.configured-runtime-proxy.service.txt';
    await expect(await document('kubelet.configured/runtime-proxy', EVERYTHING)).toMatchFileSnapshot(file);
    const { graph } = await loaded('kubelet.configured', `control_plane: managed\n${EVERYTHING}`);
    const { after } = graph.nodes.get('M1 kubernetes.kubelet.configured/runtime')!;
    expect(after).toContainEqual({ to: 'M1 kubernetes.kubelet.configured/runtime-proxy', kind: 'onchanges' });
  });

  it('is taken from it again, without touching one that nobody has told', async () => {
    const wants = await wanted('kubelet.configured', 'control_plane: managed\nkubernetes_version: 1.34.1\n');
    expect(wants.get('kubelet.configured/runtime-no-proxy')).toEqual({ path });
    expect(wants.has('kubelet.configured/runtime-proxy')).toBe(false);
    const kubeadm = await wanted('kubelet.configured', 'control_plane: kubeadm\nproxy: { http: "http://p:1" }\n');
    expect([...kubeadm.keys()].filter((id) => id.includes('runtime'))).toEqual([]);
  });
});

describe('flags', () => {
  const flagsOf = async (resource: string, version: string) =>
    [...(await document(`configured/${resource}`, `kubernetes_version: ${version}\n`)).matchAll(/--([a-z-]+)=/g)].map(
      ([, flag]) => flag,
    );

  it('that a version lacks are not there', async () => {
    const table = await Promise.all(
      ['1.20.2', '1.21.14', '1.22.0', '1.23.0', '1.24.0', '1.34.1'].map(async (version) => {
        const [api, manager, scheduler] = await Promise.all(
          ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => flagsOf(name, version)),
        );
        return [version, api!.includes('insecure-port'), manager!.includes('port'), scheduler!.includes('port')];
      }),
    );
    expect(table).toEqual([
      ['1.20.2', true, true, true],
      ['1.21.14', true, true, true],
      ['1.22.0', false, true, true],
      ['1.23.0', false, false, false],
      ['1.24.0', false, false, false],
      ['1.34.1', false, false, false],
    ]);
  });

  it('of the kubelet follow the version too', async () => {
    const dropIn = (version: string) => document('kubelet.configured/drop-in', `kubernetes_version: ${version}\n`);
    expect(await dropIn('1.23.9')).toMatch(/--container-runtime=remote .*master.*--container-runtime-endpoint=/);
    expect(await dropIn('1.24.0')).not.toContain('--container-runtime=');
    expect(await dropIn('1.27.0')).not.toContain('--container-runtime');
  });
});

describe('certificates', () => {
  it('of the API server are for every name that it is called by', async () => {
    const wants = await wanted('kubernetes.pki', `control_plane: managed\n${EVERYTHING}`);
    expect(wants.get('pki/apiserver')!.names).toEqual([
      'ip-192-0-2-11.ec2.internal',
      '192.0.2.11',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.example.internal',
      'fd00:10:96::1',
      'localhost',
      '127.0.0.1',
      '::1',
      'kubernetes.example.com',
      'api.example.com',
      '198.51.100.7',
    ]);
  });

  it('say who their owners are, in the words of Kubernetes', async () => {
    const wants = await wanted('kubernetes.pki', 'control_plane: managed\nkubernetes_version: 1.34.1\n');
    const subjects = [...wants].flatMap(([id, { ca, common_name: name, organization }]) =>
      id.startsWith('pki/') && name !== undefined ? [[id, ca, name, organization]] : [],
    );
    expect(subjects).toEqual([
      ['pki/apiserver', 'kubernetes', 'kube-apiserver', undefined],
      ['pki/apiserver-kubelet-client', 'kubernetes', 'kube-apiserver-kubelet-client', 'system:masters'],
      ['pki/front-proxy-client', 'front-proxy', 'front-proxy-client', undefined],
      ['pki/admin', 'kubernetes', 'kubernetes-admin', 'system:masters'],
      ['pki/controller-manager', 'kubernetes', 'system:kube-controller-manager', undefined],
      ['pki/scheduler', 'kubernetes', 'system:kube-scheduler', undefined],
      ['pki/kubelet', 'kubernetes', 'system:node:m1', 'system:nodes'],
    ]);
    const signed = (id: string) => wants.get(id)!.signs;
    expect(signed('pki/ca')).toEqual(
      subjects.filter(([, ca]) => ca === 'kubernetes').map(([id]) => `${String(id).slice('pki/'.length)}.crt`),
    );
    expect(signed('pki/front-proxy-ca')).toEqual(['front-proxy-client.crt']);
  });
});

const ids = async (state: string, pillar: string) => [...(await wanted(state, pillar)).keys()].sort();

describe('control_plane', () => {
  it('none, the default, adds nothing to etcd', async () => {
    const all = await ids('running', '');
    expect(all.filter((id) => !id.startsWith('etcd.'))).toEqual(['kubelet.running/service']);
    expect(await ids('kubernetes.pki', '')).toEqual((await ids('etcd.pki', '')).sort());
    expect(await ids('kubernetes.reset', '')).toEqual([]);
    const configured = (await ids('kubelet.configured', '')).filter((id) => id.startsWith('kubelet.'));
    expect(configured).toEqual(['kubelet.installed/program']);
  });

  it('kubeadm writes nothing, and sees that all of it is there', async () => {
    const wants = await wanted('running', 'control_plane: kubeadm\n');
    expect([...wants.keys()].filter((id) => !id.startsWith('etcd.'))).toEqual([
      'kubelet.running/service',
      'configured/ready',
    ]);
    expect(wants.get('configured/ready')!.manifests).toEqual(
      ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
        (name) => `/etc/kubernetes/manifests/${name}.yaml`,
      ),
    );
  });

  it('managed goes from etcd to the API server in this order on each host', async () => {
    const { graph } = await loaded('running', 'control_plane: managed\nkubernetes_version: 1.20.2\n');
    const steps = [
      'etcd.guarded/member',
      'pki/kubelet',
      'kubelet.configured/kubeconfig',
      'kubelet.running/service',
      'etcd.configured/manifest',
      'etcd.configured/pod',
      'configured/kube-apiserver',
      'configured/ready',
    ];
    const places = steps.map((step) => graph.order.indexOf(`M1 kubernetes.${step}`));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it('managed starts the kubelet also where systemd runs etcd', async () => {
    const all = await ids('running', 'control_plane: managed\nkubernetes_version: 1.20.2\netcd_runtime: systemd\n');
    expect(all).toEqual(expect.arrayContaining(['etcd.configured/service', 'kubelet.running/service']));
    expect(all).not.toContain('etcd.configured/manifest');
    // The kubelet looks for manifests in a directory that nobody else makes then.
    expect(all).toContain('kubelet.configured/manifest-directory');
  });
});

describe('removed', () => {
  const paths = async (state: string, pillar: string) =>
    [...(await wanted(state, pillar)).values()].flatMap(({ path }) => (path === undefined ? [] : [path])).sort();
  const MANAGED = 'control_plane: managed\nkubernetes_version: 1.20.2\n';

  it.each([
    MANAGED,
    `${MANAGED}addon_deployment: addon-manager
enable_default_storage_class: true
cloud_provider: aws
enable_etcd_snapshot: true
etcd_snapshot_hostname: m1
`,
  ])('takes away what these states have put there, and no data or certificate: %j', async (pillar) => {
    const gone = await paths('kubernetes.removed', pillar);
    const made = [...(await wanted('running', pillar))]
      .filter(([id, { path }]) => !/pki\/|directory$|snapshot\/no-/.test(id) && path !== undefined)
      .map(([, { path }]) => path)
      .filter((path) => path !== '/usr/bin/kubelet');
    expect(gone).toEqual(made.sort());
  });

  it('takes away the unit of etcd too where the whole host is to go', async () => {
    const systemd = 'etcd_runtime: systemd\n';
    expect(await paths('kubelet.removed', systemd)).toEqual([]);
    expect(await paths('kubernetes.removed', systemd)).toEqual([
      '/etc/etcd/etcd.env',
      '/etc/systemd/system/etcd.service',
    ]);
  });

  it('leaves to kubeadm what is its, and ends its pods', async () => {
    expect(await paths('kubelet.removed', 'control_plane: kubeadm\n')).toEqual(['/etc/kubernetes/manifests/etcd.yaml']);
    const pods = (await wanted('kubelet.removed', 'control_plane: kubeadm\n')).get('kubelet.removed/pods')!;
    expect(pods.components).toEqual(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']);
  });

  it('asks the guard before anything that ends the member', async () => {
    for (const [state, pillar] of [
      ['kubelet.removed', ''],
      ['kubernetes.removed', 'etcd_runtime: systemd\n'],
    ] as const) {
      const { graph } = await loaded(state, pillar);
      const guard = 'M1 kubernetes.etcd.expendable/member';
      const service = graph.nodes.get(`M1 kubernetes.${state.replace('kubernetes.', '')}/service`)!;
      expect(service.after).toContainEqual({ to: guard, kind: 'require' });
    }
  });

  it.each([
    ['kubelet.removed', '', 'service', '/etc/kubernetes/manifests/etcd-events.yaml'],
    ['kubernetes.removed', 'etcd_runtime: systemd\n', 'events-service', '/etc/systemd/system/etcd-events.service'],
  ])('%s asks the guard of the events cluster too', async (state, runtime, service, path) => {
    const pillar = `${runtime}etcd_events: true\n`;
    expect(await paths(state, pillar)).toContain(path);
    const { graph } = await loaded(state, pillar);
    const { after } = graph.nodes.get(`M1 kubernetes.${state.replace('kubernetes.', '')}/${service}`)!;
    expect(after).toContainEqual({ to: 'M1 kubernetes.etcd.expendable[events]/member', kind: 'require' });
    expect(graph.nodes.get('M1 kubernetes.etcd.expendable[events]/member')!.cluster).toBe('main-events');
  });
});
