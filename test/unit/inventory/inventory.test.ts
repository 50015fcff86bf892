import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, formatPlace } from '../../../src/failure.ts';
import { runInventory } from '../../../src/inventory/dynamic.ts';
import type { Inventory } from '../../../src/inventory/inventory.ts';
import { readInventory } from '../../../src/inventory/read.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-inventory-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(name: string, text: string, mode = 0o644): Promise<string> {
  const file = join(directory, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

async function read(text: string, name = 'inventory.yaml', mode?: number): Promise<Inventory> {
  const inventory = await readInventory(await write(name, text, mode));
  if (!inventory.ok) throw new Error(inventory.failures.map(show).join('\n'));
  return inventory.value;
}

async function refuse(text: string, name = 'inventory.yaml', mode?: number): Promise<string[]> {
  const inventory = await readInventory(await write(name, text, mode));
  return inventory.ok ? [] : inventory.failures.map(show);
}

function show({ place, reason, message, next }: Failure): string {
  const line = `${place ? formatPlace(place) : '-'} ${reason}: ${message}${next === undefined ? '' : ` → ${next}`}`;
  return line.replaceAll(`${directory}/`, '');
}

const MASTERS = `
masters:
  vars: {etcd_cluster: main}
  hosts: {m1: {}, m2: , m3: }
`;

describe("Ansible's YAML format", () => {
  test('groups in groups, ranges, hosts in several places, in the order of the file', async () => {
    const { hosts, groups } = await read(`
all:
  hosts:
    lonely:
  children:
    control:
      children:
        masters:
          hosts:
            m[1:3]:
              role: master
        spare: {hosts: s1}
    zone_a:
      hosts: {m1: {zone: a}, w01: }
workers:
  hosts:
    w[01:03:2]:
    e-[a:c].example:
`);
    expect([...hosts.keys()]).toEqual([
      'lonely',
      'm1',
      'm2',
      'm3',
      's1',
      'w01',
      'w03',
      'e-a.example',
      'e-b.example',
      'e-c.example',
    ]);
    expect(groups.get('control')).toEqual(['m1', 'm2', 'm3', 's1']);
    expect(groups.get('all')).toHaveLength(10);
    expect(groups.get('ungrouped')).toEqual(['lonely']);
    expect(hosts.get('m1')?.vars).toEqual({ role: 'master', zone: 'a' });
    expect(hosts.get('m1')?.groups).toEqual(['control', 'zone_a', 'masters']);
    expect(hosts.get('w01')?.groups).toEqual(['workers', 'zone_a']);
    expect(hosts.get('lonely')?.groups).toEqual([]);
  });

  test("a variable's precedence is Ansible's: all < parents < children, by priority, then by name < host", async () => {
    const { hosts } = await read(`
all:
  vars: {a: all, b: all, c: all, d: all, e: all}
  children:
    parent:
      vars: {b: parent, c: parent, d: parent, e: parent}
      children:
        child: {hosts: {h: {e: host}}, vars: {c: child, d: child, e: child}}
    zz: {hosts: h, vars: {b: zz, c: zz, x: zz}}
    aa: {hosts: h, vars: {b: aa, x: aa, y: aa, ansible_group_priority: 10}}
    mm: {hosts: h, vars: {y: mm}}
`);
    expect(hosts.get('h')?.vars).toEqual({ a: 'all', b: 'aa', c: 'child', d: 'child', e: 'host', x: 'aa', y: 'aa' });
    expect(hosts.get('h')?.groups).toEqual(['mm', 'parent', 'zz', 'aa', 'child']);
  });

  test('connection variables, inherited from groups, in all spellings', async () => {
    await write('known', '');
    const { hosts } = await read(`
all:
  vars:
    ansible_user: ops
    ansible_become: yes
    ansible_become_pass: !sensitive hunter2
    ansible_ssh_common_args: -o UserKnownHostsFile=/etc/known -J bastion
    ansible_python_interpreter: /usr/bin/python3
  hosts:
    m1: {ansible_host: 10.0.0.1, ansible_port: 2222, ansible_ssh_private_key_file: ~/.ssh/k}
    m2: {ansible_port: "22", ansible_become: false, ansible_become_user: etcd, ansible_ssh_common_args: '-oProxyJump="b2"'}
`);
    expect(hosts.get('m1')).toMatchObject({
      address: '10.0.0.1',
      port: 2222,
      user: 'ops',
      become: true,
      becomeUser: 'root',
      identityFile: '~/.ssh/k',
      knownHostsFile: '/etc/known',
      proxyJump: 'bastion',
      vars: {},
    });
    expect(hosts.get('m2')).toMatchObject({
      address: 'm2',
      port: 22,
      become: false,
      becomeUser: 'etcd',
      proxyJump: 'b2',
    });
    expect(hosts.get('m1')?.becomePassword?.reveal()).toBe('hunter2');
    expect(inspect(hosts, { depth: 9 })).not.toContain('hunter2');
  });

  test('a password written in plain text is a secret too', async () => {
    const { hosts } = await read('all: {hosts: {m1: {ansible_become_password: hunter2}}}');
    expect(JSON.stringify(hosts.get('m1'))).not.toContain('hunter2');
  });
});

describe('clusters', () => {
  test("a group's etcd_cluster makes all its hosts members, children's included", async () => {
    const { hosts, clusters } = await read(`
etcd:
  vars: {etcd_cluster: main}
  children:
    old: {hosts: {m3: , m1: }}
  hosts: {m2: }
events: {hosts: e1, vars: {etcd_cluster: events}}
`);
    expect(clusters.get('main')).toMatchObject({ name: 'main', group: 'etcd', members: ['m3', 'm1', 'm2'] });
    expect(hosts.get('m1')?.cluster).toBe('main');
    expect(hosts.get('e1')?.cluster).toBe('events');
  });

  test('a child that repeats the name of its parent adds nothing', async () => {
    const { clusters } = await read(`
etcd: {vars: {etcd_cluster: main}, hosts: m1, children: {old: {hosts: m2, vars: {etcd_cluster: main}}}}
`);
    expect(clusters.get('main')).toMatchObject({ group: 'etcd', members: ['m2', 'm1'].sort() });
  });
});

describe('a bad inventory is refused at its exact place', () => {
  const table: [text: string, failures: string[]][] = [
    ['masters:\n  host: {m1: }\n', ['inventory.yaml:2:3 unknown: unknown key "host" in masters → did you mean hosts?']],
    [
      'all:\n  children:\n    a:\n      chidren: {}\n',
      ['inventory.yaml:4:7 unknown: unknown key "chidren" in all.children.a → did you mean children?'],
    ],
    [
      'masters:\n  hosts:\n    - m1\n    - m2\n',
      [
        'inventory.yaml:3:5 schema: masters.hosts must be a map or a string or null, not a list → write each name as a key, without the dash: "m1:"',
      ],
    ],
    [
      'masters: m1\n',
      [
        'inventory.yaml:1:10 schema: masters must be a map or null, not the string "m1" → A group of hosts: hosts, children (groups inside it) and vars',
      ],
    ],
    [
      'a:\n  hosts:\n    m[1-3]:\n',
      [
        'inventory.yaml:3:5 schema: the host range "m[1-3]" cannot be expanded: a range is [FIRST:LAST] or [FIRST:LAST:STEP] → write it like m[1:3], m[01:10:2] or m[a:c]',
      ],
    ],
    [
      'a:\n  hosts:\n    "m1:22":\n',
      [
        'inventory.yaml:3:5 schema: the host name "m1:22" is not safe in a file name → use letters, digits, ".", "_" and "-", and begin with a letter, digit or "_"; put the address or port into ansible_host, ansible_port',
      ],
    ],
    [
      'a:\n  hosts:\n    -x:\n    ../y:\n',
      [
        'inventory.yaml:3:5 schema: the host name "-x" is not safe in a file name → use letters, digits, ".", "_" and "-", and begin with a letter, digit or "_"',
        'inventory.yaml:4:5 schema: the host name "../y" is not safe in a file name → use letters, digits, ".", "_" and "-", and begin with a letter, digit or "_"',
      ],
    ],
    [
      'a:\n  hosts: m1\n  vars:\n    x: "{{ y }}"\n',
      [
        'inventory.yaml:4:8 template: x holds a Jinja expression, which Quorate does not evaluate → write the value itself, or let Ansible evaluate it: ansible-inventory -i FILE --list --yaml',
      ],
    ],
    [
      'a:\n  hosts: m1\n  vars:\n    ansible_pots: 22\n    ansible_password: hunter2\n    ansible_connection: local\n',
      [
        'inventory.yaml:4:5 unknown: ansible_pots is not a variable that Quorate knows → did you mean ansible_port?',
        'inventory.yaml:5:5 unknown: ansible_password is not supported → log in with a key: ansible_ssh_private_key_file, or ssh-agent',
        'inventory.yaml:6:25 schema: ansible_connection must be ssh, not "local" → Quorate reaches hosts over ssh only',
      ],
    ],
    [
      'a:\n  hosts:\n    m1: {ansible_port: 99999, ansible_become: maybe, ansible_user: -oX}\n',
      [
        'inventory.yaml:3:24 schema: ansible_port must be a port from 1 to 65535, not 99999 → for example 22',
        'inventory.yaml:3:68 schema: ansible_user must be plain text, and "-oX" is not → write a name, address or path',
        'inventory.yaml:3:47 schema: ansible_become must be true or false, not "maybe" → write true or false',
      ],
    ],
    [
      'a:\n  hosts: {m1: , m2: }\n  vars:\n    ansible_ssh_common_args: -J b -o StrictHostKeyChecking=no\n',
      [
        'inventory.yaml:4:30 schema: ansible_ssh_common_args holds "-o StrictHostKeyChecking=no"; only -o UserKnownHostsFile=, -o ProxyJump= and -J are taken from it → put it into ~/.ssh/config',
      ],
    ],
    [
      'a: {children: {b: {children: {a: }}}, hosts: m1}\n',
      ['inventory.yaml:1:31 cycle: the group a would be inside itself: a > b > a → remove it from the children here'],
    ],
    [
      'a: {hosts: m1, vars: {etcd_cluster: main}}\nb: {hosts: m2, vars: {etcd_cluster: main}}\n',
      [
        'inventory.yaml:2:37 duplicate: the etcd cluster main is already the group a (inventory.yaml:1:37) → give the second cluster a name of its own, or put both groups into one that carries etcd_cluster',
      ],
    ],
    [
      'a: {hosts: m1, vars: {etcd_cluster: main}}\nb: {hosts: m1, vars: {etcd_cluster: events}}\n',
      [
        'inventory.yaml:2:37 duplicate: m1 would be a member of two etcd clusters, main (inventory.yaml:1:37) and events (inventory.yaml:2:37) → take it out of the group of one of them',
      ],
    ],
    [
      'a: {hosts: {m1: {etcd_cluster: main}}}\n',
      [
        "inventory.yaml:1:32 schema: etcd_cluster stands at the host m1, but a cluster is a group → move it to the vars of the group that holds the cluster's members",
      ],
    ],
    [
      'a: {hosts: m1, vars: {etcd_cluster: ../x}}\n',
      [
        'inventory.yaml:1:37 schema: etcd_cluster must be a name of letters, digits, ".", "_" and "-", not "../x" → for example etcd_cluster: main',
      ],
    ],
    [
      'a: {hosts: {m1: }}\na: {}\n',
      ['inventory.yaml:2:1 duplicate: the key "a" is already set at inventory.yaml:1:1 → keep one of the two'],
    ],
    ['all:\n', ['- schema: the inventory inventory.yaml names no host → see inventory/example.yaml']],
    [
      'plugin: aws_ec2\nregions: [x]\n',
      [
        'inventory.yaml:1:1 schema: inventory.yaml configures an inventory plugin of Ansible, which only Ansible can run → let Ansible list it: ansible-inventory -i inventory.yaml --list --yaml > inventory.yaml',
      ],
    ],
    [
      'a: {hosts: {m1: {ansible_become_password: 1234567}}}\n',
      [
        "inventory.yaml:1:43 schema: the secret a.hosts.m1.ansible_become_password must be a string → Sent to sudo's own prompt only. Better kept in a file: !sensitive-file PATH",
      ],
    ],
  ];
  test.each(table)('%j', async (text, failures) => {
    expect(await refuse(text)).toEqual(failures);
  });

  test.each([
    '[masters]\nm1 ansible_host=10.0.0.1\n',
    'm1 ansible_host=10.0.0.1\nm2\n',
    '# hosts\n[masters]\nm1\n[masters:vars]\na=1\n',
  ])('an INI inventory is told how to convert it: %j', async (text) => {
    const [failure, ...others] = await refuse(text, 'hosts');
    expect(others).toEqual([]);
    expect(failure).toMatch(/^hosts:\d:1 syntax: hosts is an INI inventory, and only YAML is read/);
    expect(failure).toContain('→ convert it: ansible-inventory -i hosts --list --yaml > inventory.yaml');
  });

  test('a missing inventory is a failure', async () => {
    const inventory = await readInventory(join(directory, 'nope.yaml'));
    expect(inventory.ok ? [] : inventory.failures.map(show)).toEqual([
      '- unreadable: nope.yaml does not exist → check the path',
    ]);
  });
});

describe('a directory', () => {
  test('its files merge in the order of their names, whatever else lies there', async () => {
    await write('inv/20-hosts.yml', 'masters: {hosts: {m2: , m1: {x: later}}}');
    await write('inv/10-hosts.yaml', 'masters: {hosts: {m1: {x: first, y: 1}}, vars: {etcd_cluster: main}}');
    await write('inv/30.sh', `#!/bin/sh\necho '{"masters": ["m3"], "_meta": {"hostvars": {}}}'\n`, 0o755);
    await write('inv/.hidden.yaml', 'not: an inventory');
    await write('inv/group_vars/all.yaml', 'x: {{ y }}');
    await write('inv/README.txt', 'hello');
    const inventory = await readInventory(join(directory, 'inv'));
    if (!inventory.ok) throw new Error(inventory.failures.map(show).join());
    expect([...inventory.value.hosts.keys()]).toEqual(['m1', 'm2', 'm3']);
    expect(inventory.value.hosts.get('m1')?.vars).toMatchObject({ x: 'later', y: 1 });
    expect(inventory.value.clusters.get('main')?.members).toEqual(['m1', 'm2', 'm3']);
    expect(inventory.value.sources.map(({ file }) => file.split('/').at(-1))).toEqual([
      '10-hosts.yaml',
      '20-hosts.yml',
      '30.sh',
    ]);
  });

  test('an empty one is a failure', async () => {
    const inventory = await readInventory(directory);
    expect(inventory.ok).toBe(false);
  });
});

describe('an executable', () => {
  test("is run with --list and its JSON is taken as Ansible's", async () => {
    const json = JSON.stringify({
      _meta: { hostvars: { m1: { ansible_host: '10.0.0.1', n: 1 } } },
      control: { children: ['masters'], vars: { etcd_cluster: 'main' } },
      masters: { hosts: ['m1', 'm2'], vars: { zone: 'a' } },
    });
    const { hosts, clusters, groups } = await read(`#!/bin/sh\n[ "$1" = --list ] && echo '${json}'\n`, 'inv', 0o755);
    expect([...hosts.keys()].sort()).toEqual(['m1', 'm2']);
    expect(hosts.get('m1')).toMatchObject({
      address: '10.0.0.1',
      vars: { n: 1, zone: 'a' },
      groups: ['control', 'masters'],
    });
    expect(clusters.get('main')?.members.toSorted()).toEqual(['m1', 'm2']);
    expect(groups.get('control')?.toSorted()).toEqual(['m1', 'm2']);
  });

  const table: [script: string, failures: string[]][] = [
    [
      '#!/bin/sh\necho no credentials >&2\nexit 3\n',
      [
        'inv:1:1 unreadable: the inventory program inv ended with status 3; it said: no credentials → run it yourself: inv --list',
      ],
    ],
    [
      '#!/bin/sh\necho "{"\n',
      [
        'inv --list:2:1 syntax: a quote or bracket that was opened above is not closed → close it, or indent its following lines',
      ],
    ],
    [
      '#!/bin/sh\necho "{}"\n',
      ['inv --list:1:1 schema: the inventory program prints no _meta.hostvars → print "_meta": {"hostvars": {}}'],
    ],
    [
      `#!/bin/sh\necho '{"_meta": {"hostvars": {}}, "g": {"host": ["m1"]}}'\n`,
      ['inv --list:1:35 unknown: unknown key "host" in g → did you mean hosts?'],
    ],
    [
      'all: {hosts: m1}\n',
      [
        'inv:1:1 unreadable: inv is executable, but is neither a script (no #! line) nor a binary → chmod a-x inv if it is YAML, else give it a #! line',
      ],
    ],
    [
      '#!/nonexistent/interpreter\n',
      ['inv:1:1 unreadable: the inventory program inv cannot be run (spawn inv ENOENT) → run it yourself: inv --list'],
    ],
  ];
  test.each(table)('%j', async (script, failures) => {
    expect(await refuse(script, 'inv', 0o755)).toEqual(failures);
  });

  test('one that hangs is ended in time, with what it started', async () => {
    const file = await write('inv', `#!/bin/sh\nsleep 300 &\necho $! > "$(dirname "$0")/pid"\nwait\n`, 0o755);
    const ran = await runInventory(file, 300);
    expect(ran.ok ? '' : ran.failures.map(show).join()).toContain('did not end within 0.3 seconds');
    const { readFile } = await import('node:fs/promises');
    const child = Number(await readFile(join(directory, 'pid'), 'utf8'));
    await expect.poll(() => isAlive(child), { timeout: 20_000 }).toBe(false);
  });
});

async function isAlive(pid: number): Promise<boolean> {
  const { readFile } = await import('node:fs/promises');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z/.test(stat);
}

test('sources carry the digest of each file', async () => {
  const inventory = await read(MASTERS);
  expect(inventory.sources).toHaveLength(1);
  expect(inventory.sources[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
});
