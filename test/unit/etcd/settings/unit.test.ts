import { describe, expect, it } from 'vitest';
import { isUnfit, type Launch, type LaunchFile } from '../../../../src/etcd/settings/launch.ts';
import { readUnit } from '../../../../src/etcd/settings/unit.ts';

const unit = (text: string, path = '/etc/systemd/system/etcd.service'): LaunchFile => ({ kind: 'unit', path, text });
const environment = (text: string, path = '/etc/etcd.env'): LaunchFile => ({ kind: 'environment', path, text });

function read(...files: LaunchFile[]): Launch {
  const launch = readUnit('etcd', files);
  if (isUnfit(launch)) throw new Error(launch.wrong);
  return launch;
}

/** The files that differ, by path. */
function edit(files: LaunchFile[], flags: { [flag: string]: string | null }, more = {}) {
  const edited = read(...files).edit({ flags: new Map(Object.entries(flags)), ...more });
  return isUnfit(edited) ? edited.wrong : Object.fromEntries(edited.map(({ path, text }) => [path, text]));
}

const DEBIAN = unit(
  `[Unit]
Description=etcd - highly-available key value store
[Service]
Environment=DAEMON_ARGS=
Environment=ETCD_NAME=%H
Environment=ETCD_DATA_DIR=/var/lib/etcd/default
EnvironmentFile=-/etc/default/%p
Type=notify
User=etcd
ExecStart=/usr/bin/etcd $DAEMON_ARGS
Restart=on-abnormal
`,
  '/lib/systemd/system/etcd.service',
);
const DEFAULTS = environment(
  `## etcd(1) daemon options
# ETCD_NAME="hostname"
ETCD_NAME="m1"
ETCD_SNAPSHOT_COUNT=5000
DAEMON_ARGS="--max-wals=3 --pre-vote"
`,
  '/etc/default/etcd',
);

describe("a unit like that of Debian's package", () => {
  it('has its flags in the unit, the environment file and a variable of words', () => {
    const { flags, places, program } = read(DEBIAN, DEFAULTS);
    expect(Object.fromEntries(flags)).toEqual({
      name: 'm1',
      'data-dir': '/var/lib/etcd/default',
      'snapshot-count': '5000',
      'max-wals': '3',
      'pre-vote': 'true',
    });
    expect([places.get('name'), places.get('data-dir'), program]).toEqual([
      '/etc/default/etcd',
      '/lib/systemd/system/etcd.service',
      '/usr/bin/etcd',
    ]);
  });

  it('is changed in the environment file, line by line', () => {
    expect(edit([DEBIAN, DEFAULTS], { 'snapshot-count': '6000', 'heartbeat-interval': '200', name: null })).toEqual({
      '/etc/default/etcd': `## etcd(1) daemon options
# ETCD_NAME="hostname"
ETCD_SNAPSHOT_COUNT=6000
DAEMON_ARGS="--max-wals=3 --pre-vote"
ETCD_HEARTBEAT_INTERVAL=200
`,
    });
  });

  it('is not changed where that cannot be done in the file of a person', () => {
    expect(edit([DEBIAN, DEFAULTS], { 'max-wals': '5' })).toMatch(/--max-wals in .* comes of a variable$/);
    expect(edit([DEBIAN, DEFAULTS], { 'data-dir': '/x' })).toMatch(/ETCD_DATA_DIR in .* is set by the unit$/);
    expect(edit([DEBIAN, DEFAULTS], {}, { program: '/opt/etcd' })).toMatch(/belongs to a package$/);
  });
});

const BY_HAND = unit(`[Service]
ExecStart=/opt/etcd/etcd --name m1 --data-dir "/var/lib/etcd data" \\
 --listen-client-urls https://127.0.0.1:2379,https://[2001:db8::1]:2379 --client-cert-auth \\
  --snapshot-count 10000
Restart=no
[Install]
ExecStart=nonsense
`);

describe('a unit with its flags in ExecStart', () => {
  it('is read over its line ends, quotes and switches', () => {
    expect(Object.fromEntries(read(BY_HAND).flags)).toEqual({
      name: 'm1',
      'data-dir': '/var/lib/etcd data',
      'listen-client-urls': 'https://127.0.0.1:2379,https://[2001:db8::1]:2379',
      'client-cert-auth': 'true',
      'snapshot-count': '10000',
    });
  });

  it('is changed word by word, and stays as it is otherwise', () => {
    expect(
      edit([BY_HAND], { 'snapshot-count': '1', name: 'a b%c$d', 'max-wals': '3' }, { program: '/usr/bin/etcd' }),
    ).toEqual({
      '/etc/systemd/system/etcd.service': BY_HAND.text
        .replace('/opt/etcd/etcd --name m1', () => '/usr/bin/etcd "--name=a b%%c$$d"')
        .replace('--snapshot-count 10000', '--snapshot-count=1 --max-wals=3'),
    });
    const [text] = Object.values(edit([BY_HAND], { name: 'a b%c$d' }));
    expect(read(unit(text!)).flags.get('name')).toBe('a b%c$d');
  });

  it('is what the last drop-in makes of it', () => {
    const dropIn: LaunchFile = {
      kind: 'drop-in',
      path: '/etc/systemd/system/etcd.service.d/10.conf',
      text: '[Service]\nExecStart=\nExecStart=-/usr/bin/etcd --name=m2\n',
    };
    expect([...read(BY_HAND, dropIn).flags]).toEqual([['name', 'm2']]);
    expect(Object.keys(edit([BY_HAND, dropIn], { name: 'm3' }))).toEqual([dropIn.path]);
  });

  it.each([
    ['', 'systemd has no unit etcd'],
    ['[Service]\nUser=etcd\n', '/etc/systemd/system/etcd.service has no ExecStart'],
    [
      '[Service]\nExecStart=/bin/bash -c "exec etcd"\n',
      'ExecStart in /etc/systemd/system/etcd.service starts /bin/bash, not etcd itself',
    ],
    [
      '[Service]\nExecStart=/usr/bin/etcd gateway\n',
      'ExecStart in /etc/systemd/system/etcd.service has words that are no flags: gateway',
    ],
    [
      '[Service]\nExecStart=/usr/bin/podman\n',
      'ExecStart in /etc/systemd/system/etcd.service starts /usr/bin/podman, not etcd itself',
    ],
  ])('%j is not taken for one', (text, wrong) => {
    expect(readUnit('etcd', text === '' ? [] : [unit(text)])).toMatchObject({ wrong });
  });
});

describe('an environment file', () => {
  const kubespray = unit('[Service]\nEnvironmentFile=/etc/etcd.env\nExecStart=/usr/local/bin/etcd\n');
  const text = `ETCD_DATA_DIR=/var/lib/etcd
ETCD_NAME='m 1'
ETCD_NAME="m\\"2"
ETCDCTL_CACERT=/etc/ssl/ca.pem
ETCD_UNKNOWN_THING=1
ETCD_INITIAL_CLUSTER=m1=https://192.0.2.11:2380,\\
m2=https://192.0.2.12:2380
`;

  it('is read as systemd reads it: quotes, joined lines, the last of a name; and only what etcd knows', () => {
    expect(Object.fromEntries(read(kubespray, environment(text)).flags)).toEqual({
      'data-dir': '/var/lib/etcd',
      name: 'm"2',
      'initial-cluster': 'm1=https://192.0.2.11:2380,m2=https://192.0.2.12:2380',
    });
  });

  it('is changed in the last line of a name, in its quotes, and reads back', () => {
    const [changed] = Object.values(edit([kubespray, environment(text)], { name: 'a"b$c', 'max-wals': '2 3' }));
    expect(changed).toBe(`${text.replace('"m\\"2"', '"a\\"b\\$c"')}ETCD_MAX_WALS="2 3"\n`);
    expect(read(kubespray, environment(changed!)).flags.get('name')).toBe('a"b$c');
  });
});
