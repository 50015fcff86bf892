// What can be wrong in a file that a person wrote.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readInventory } from '../../../src/inventory/read.ts';
import { checkFault, type Fault } from './fault.ts';
import { createRig, INVENTORY } from './rig.ts';

const PLAN = 'plan thing -t all';
const resources = (text: string) => `description: A test.\nresources:\n${text}`;

const SNAPSHOTS = `control_plane: managed
kubernetes_version: 1.34.1
etcd_version: 3.6.5
enable_etcd_snapshot: true
`;

const FAULTS: { [what: string]: Fault } = {
  'an inventory that is not YAML': {
    files: { 'inventory.yaml': 'masters:\n  hosts: [m1\n' },
    argv: 'inventory list',
    says: ['inventory.yaml:3:1: a quote or bracket that was opened above is not closed', '  next: close it, or'],
  },
  'an unknown key of the inventory': {
    files: { 'inventory.yaml': 'masters:\n  host:\n    m1:\n' },
    argv: 'inventory list',
    says: ['inventory.yaml:2:3: unknown key "host" in masters', '  next: did you mean hosts?'],
  },
  'a wrong type in the inventory': {
    files: { 'inventory.yaml': 'masters:\n  hosts:\n    m1: { ansible_port: "x" }\n' },
    argv: 'inventory list',
    says: ['inventory.yaml:3:25: ansible_port must be a port from 1 to 65535, not "x"', '  next: for example 22'],
  },
  'groups that contain each other': {
    files: { 'inventory.yaml': 'a: { children: { b: } }\nb: { children: { a: } }\n' },
    argv: 'inventory list',
    says: ['inventory.yaml:2:18: the group a would be inside itself: a > b > a', '  next: remove it from the children'],
  },
  'a host in two clusters': {
    files: { 'inventory.yaml': `${INVENTORY}spare: { vars: { etcd_cluster: spare }, hosts: { m1: } }\n` },
    argv: 'inventory list',
    says: [
      'inventory.yaml:10:32: m1 would be a member of two etcd clusters, main (inventory.yaml:2:25) and spare',
      '  next: take it out',
    ],
  },
  'a pillar that is not YAML': {
    files: { 'pillar/defaults.yaml': 'a: b: c\n' },
    argv: PLAN,
    says: [
      'pillar/defaults.yaml:1:5: not a map entry here: the indentation or a second ":" is out of place',
      '  next:',
    ],
  },
  'an unknown key of the pillar': {
    files: { 'pillar/defaults.yaml': 'etcd_imge: x\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:1: unknown key "etcd_imge"', '  next: did you mean etcd_image?'],
  },
  'a wrong type in the pillar': {
    files: { 'pillar/defaults.yaml': 'etcd_client_port: "2379"\n' },
    argv: PLAN,
    says: [
      'pillar/defaults.yaml:1:19: etcd_client_port must be a whole number, not the string "2379"',
      '  next: write it without quotes: 2379',
    ],
  },
  'the backend etcd2': {
    files: { 'pillar/defaults.yaml': 'etcd_image: x\nstorage_backend: etcd2\n' },
    argv: PLAN,
    says: [
      'pillar/defaults.yaml:2:18: storage_backend cannot be "etcd2": etcd2 keeps its data where no snapshot',
      '  in m1',
    ],
  },
  'the name that the key of a member had elsewhere': {
    files: { 'pillar/hosts/m1.yaml': 'etcdid: m1\n' },
    argv: PLAN,
    says: ['pillar/hosts/m1.yaml:1:1: unknown key "etcdid"', '  next: its name is etcd_member_name'],
  },
  'a probe that the version lacks': {
    files: { 'pillar/defaults.yaml': 'etcd_version: 3.4.28\netcd_probes: livez\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:2:14: etcd_probes is livez, and etcd 3.4.28 has no /livez', '  in m1'],
  },
  'an annotation that is not free': {
    files: { 'pillar/defaults.yaml': 'etcd_annotations: { kubernetes.io/config.hash: x }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:48: etcd_annotations may not have kubernetes.io/config.hash', '  in m1'],
  },
  'a quantity that is none': {
    files: { 'pillar/defaults.yaml': 'etcd_resources: { limits: { memory: 4 GB } }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:37: etcd_resources.limits.memory has not the right form: "4 GB"', '  next: '],
  },
  'a request beyond its limit': {
    files: { 'pillar/defaults.yaml': 'etcd_resources: { requests: { cpu: "3" }, limits: { cpu: "2" } }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:58: etcd_resources requests more cpu (3) than its limit (2)', '  in m1'],
  },
  'a proxy with a password': {
    files: { 'pillar/defaults.yaml': 'proxy: { https: http://me:hunter2@proxy:3128 }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:17: proxy.https has a user or a password in it', '  in m1'],
  },
  'snapshots that nobody says the place of': {
    files: { 'pillar/defaults.yaml': SNAPSHOTS },
    argv: PLAN,
    says: ['pillar/defaults.yaml:4:23: enable_etcd_snapshot needs to know where snapshots are taken', '  in m1'],
  },
  'snapshots at two places': {
    files: { 'pillar/defaults.yaml': `${SNAPSHOTS}etcd_snapshot_zone: a\netcd_snapshot_hostname: m1\n` },
    argv: PLAN,
    says: ['pillar/defaults.yaml:6:25: etcd_snapshot_zone (a) and etcd_snapshot_hostname (m1) are both set', '  in m1'],
  },
  'a schedule that is no cron expression': {
    files: {
      'pillar/defaults.yaml': `${SNAPSHOTS}etcd_snapshot_hostname: m1\netcd_snapshot_schedule: "0 6 * *"\n`,
    },
    argv: PLAN,
    says: ['pillar/defaults.yaml:6:25: etcd_snapshot_schedule ("0 6 * *") is no cron expression', '  in m1'],
  },
  'a disk whose size is no quantity': {
    files: { 'pillar/defaults.yaml': `${SNAPSHOTS}etcd_snapshot_hostname: m1\netcd_snapshot_disk_size: 1GB\n` },
    argv: PLAN,
    says: ['pillar/defaults.yaml:6:26: etcd_snapshot_disk_size ("1GB") is no size', '  in m1'],
  },
  'an API of CronJobs that no API server has any more': {
    files: {
      'pillar/defaults.yaml': `${SNAPSHOTS}etcd_snapshot_hostname: m1\nruntime_config: batch/v2alpha1=true\n`,
    },
    argv: PLAN,
    says: ['pillar/defaults.yaml:6:17: runtime_config has batch/v2alpha1, and no API server since 1.21', '  in m1'],
  },
  'snapshots that are kept no times': {
    files: { 'pillar/defaults.yaml': `${SNAPSHOTS}etcd_snapshot_hostname: m1\netcd_snapshot_keep: 0\n` },
    argv: PLAN,
    says: ['pillar/defaults.yaml:6:21: etcd_snapshot_keep must be at least 1', '  next: '],
  },
  'an interface that can be none': {
    files: { 'pillar/defaults.yaml': 'bind_interface: "eth0 eth1"\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:17: bind_interface has not the right form: "eth0 eth1"', '  next: '],
  },
  'a kubelet that is newer than its API server': {
    files: { 'pillar/defaults.yaml': 'kubernetes_version: 1.33.0\nkubelet_version: 1.34.1\n' },
    argv: PLAN,
    says: [
      'pillar/defaults.yaml:2:18: kubelet_version (1.34.1) does not go with kubernetes_version (1.33.0)',
      '  in m1',
    ],
  },
  'a kubelet from nowhere in particular': {
    files: { 'pillar/defaults.yaml': 'kubelet_version: 1.34.1\nkubelet_install: { sha256: null }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:2:18: kubelet_install takes exactly one of path, package and archive', '  in m1'],
  },
  "a flag of etcd that is not the pillar's to set": {
    files: { 'pillar/defaults.yaml': 'etcd_extra_args: { initial-cluster-state: new }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:43: etcd_extra_args may not have --initial-cluster-state', '  in m1'],
  },
  'a quota below nothing': {
    files: { 'pillar/defaults.yaml': 'etcd_quota_backend_bytes: -1\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:27: etcd_quota_backend_bytes must be at least 0, not -1', '  next: '],
  },
  'a limit of nothing in the pillar': {
    files: { 'pillar/defaults.yaml': 'limits: { program: 0 }\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:20: limits.program must be more than 0, not 0', '  next: The limit for one program'],
  },
  'a layer for nobody': {
    files: { 'pillar/hosts/m9.yaml': 'etcd_image: x\n' },
    argv: PLAN,
    says: ['pillar/hosts/m9.yaml:1:1: pillar/hosts/m9.yaml is for nobody: the inventory has no host "m9"', '  next:'],
  },
  'a secret file that is missing': {
    files: { 'pillar/defaults.yaml': 'etcd_image: !sensitive-file nope\n' },
    argv: PLAN,
    says: ['pillar/defaults.yaml:1:13: nope does not exist', '  next: check the path'],
  },
  'a state that is not YAML': {
    files: { 'states/thing.yaml': 'description: x\nresources:\n\ta: 1\n' },
    argv: PLAN,
    says: ['states/thing.yaml:3:1: a tab stands where YAML wants spaces', '  3 | \\ta: 1', '    | ~', '  next: indent'],
  },
  'braces without quotes': {
    files: { 'states/thing.yaml': resources('  a:\n    file.managed:\n      path: {{ host.name }}\n') },
    argv: PLAN,
    says: ['states/thing.yaml:5:13: a value that begins with {{ must be quoted, else YAML reads a map'],
  },
  'an unknown module': {
    files: { 'states/thing.yaml': resources('  a:\n    file.manged: { path: /x }\n') },
    argv: PLAN,
    says: ['states/thing.yaml:4:5: unknown module file.manged', '  4 |', '    |', '  next: did you mean file.managed?'],
  },
  'an unknown parameter': {
    files: { 'states/thing.yaml': resources('  a:\n    file.managed: { path: /x, contents: a }\n') },
    argv: PLAN,
    says: [
      'states/thing.yaml:4:31: file.managed has no parameter "contents"',
      '  4 |',
      '    |',
      '  next: did you mean',
    ],
  },
  'a mode without quotes': {
    files: { 'states/thing.yaml': resources('  a:\n    file.managed: { path: /x, content: a, mode: 0644 }\n') },
    argv: PLAN,
    says: [
      'states/thing.yaml:4:49: mode must be a string, not the number 0644',
      '  4 |',
      '    |',
      '  next: write it in',
    ],
  },
  'a requisite that is nowhere': {
    files: {
      'states/thing.yaml': resources('  aaa:\n    file.managed: { path: /x, content: a }\n    require: [aab]\n'),
    },
    argv: PLAN,
    says: [
      'states/thing.yaml:5:15: aab is neither a resource nor a state here',
      '  5 |',
      '    |',
      '  next: did you mean aaa?',
    ],
  },
  'requisites in a circle': {
    files: {
      'states/thing.yaml': resources(
        ['a', 'b', 'c']
          .map((id, at) => `  ${id}:\n    file.managed: { path: /${id}, content: x }\n    require: [${'bca'[at]}]\n`)
          .join(''),
      ),
    },
    argv: PLAN,
    says: [
      'states/thing.yaml:5:15: these wait for each other: thing/a → thing/b → thing/c → thing/a (thing/a at states',
    ],
  },
  'states that include each other': {
    files: {
      'states/thing.yaml': 'description: x\ninclude: [b]\n',
      'states/b.yaml': 'description: x\ninclude: [thing]\n',
    },
    argv: PLAN,
    says: [
      'states/b.yaml:2:11: states include each other: thing (states/thing.yaml:2:11) → b (states/b.yaml:2:11) → thing',
    ],
  },
  'a value that nobody has set, before any host is asked': {
    files: {
      'states/thing.yaml': resources('  a:\n    file.managed: { path: /a, content: "{{ pillar.etcd_imge }}" }\n'),
    },
    argv: 'plan thing -t m1',
    says: ['states/thing.yaml:4:44: pillar.etcd_imge is not set for m1'],
  },
  'a template that is missing': {
    files: { 'states/thing.yaml': resources('  a:\n    file.managed: { path: /a, template: x.hbs }\n') },
    argv: PLAN,
    says: [
      'states/thing.yaml:4:41: the template states/x.hbs does not exist',
      '  4 |',
      '    |',
      '  next: check the path',
    ],
  },
  'a value without a format in a template': {
    files: {
      'states/thing.yaml': resources('  a:\n    file.managed: { path: /a, template: x.hbs }\n'),
      'states/x.hbs': 'a {{ pillar.etcd_image }}\n',
    },
    argv: PLAN,
    says: [
      'states/x.hbs:1:6: {{pillar.etcd_image}} stands unformatted in a text where a value could change the structure',
    ],
  },
  'a command without a guard': {
    files: { 'states/thing.yaml': resources('  a:\n    command.run: { command: "true" }\n') },
    argv: PLAN,
    says: [
      'states/thing.yaml:4:5: command.run needs creates, unless, onlyif or onchanges: otherwise nobody can say when',
    ],
  },
  'two owners of one file, told once for all hosts': {
    files: {
      'states/thing.yaml': resources(
        '  a:\n    file.managed: { path: /a, content: a }\n  b:\n    file.managed: { path: /a, content: b }\n',
      ),
    },
    argv: PLAN,
    says: [
      'states/thing.yaml:5:3: thing/b and thing/a (states/thing.yaml:3:3) both claim file:/a',
      '  5 |   b:',
      '    |   ~~',
      '  next: let one resource have it',
      '',
    ],
  },
  'a resource of a cluster where there is none': {
    files: { 'states/thing.yaml': resources('  a:\n    file.managed: { path: /a, content: a }\n    scope: cluster\n') },
    argv: 'plan thing -t workers',
    says: ['states/thing.yaml:3:3: thing/a has `scope: cluster`, but w1 is in no cluster'],
  },
};

it.each(Object.entries(FAULTS))('%s is told with the next step, and nothing is touched', (_what, fault) =>
  checkFault(fault),
);

it('a file that may not be read is told as that', async () => {
  const rig = await createRig();
  const file = join(rig.folder, 'inventory.yaml');
  // What reading needs of its own is loaded by then: another user may not reach the checkout.
  expect(await readInventory(file)).toMatchObject({ ok: true });
  chmodSync(rig.folder, 0o755);
  chmodSync(file, 0);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  const read = await readInventory(file).finally(() => {
    if (isRoot) process.seteuid?.(0);
  });
  expect(read).toMatchObject({
    ok: false,
    failures: [
      {
        message: expect.stringMatching(/inventory\.yaml may not be read by you$/),
        next: 'check its permissions and those of its directories',
      },
    ],
  });
});
