import { describe, expect, it } from 'vitest';
import { isSensitive, Sensitive } from '../../../src/sensitive.ts';
import { describeState, listStates } from '../../../src/states/list.ts';
import { CONTEXT, complain, contextWith, createRig, declare, failuresOf, MODULES, must, state } from './rig.ts';

const item = (id: string, more = '') => `  ${id}:\n    test.any: { value: 1 }\n${more}`;
const include = (lines: string) => `include:\n${lines}`;

async function ids(files: { [path: string]: string }, context = CONTEXT): Promise<string[]> {
  return (await declare(files, context)).map(({ id }) => id);
}

/** `id: kind → ids` for every requisite. */
async function references(files: { [path: string]: string }, context = CONTEXT): Promise<string[]> {
  return (await declare(files, context)).flatMap(({ id, requisites }) =>
    Object.entries(requisites).flatMap(([kind, list]) =>
      list.map((each: { ids: string[] }) => `${id}: ${kind} ${each.ids.join(' ')}`),
    ),
  );
}

describe('include', () => {
  it('puts what is included first, each once, in the order of the files', async () => {
    const files = {
      's.yaml': state(item('last'), include('  - a\n  - b\n')),
      'a/init.yaml': state(item('x'), include('  - b\n')),
      'b.yaml': state(item('y') + item('z')),
    };
    expect(await ids(files)).toEqual(['b/y', 'b/z', 'a/x', 's/last']);
  });

  it('makes an instance for every item, which sees what it was given', async () => {
    const files = {
      's.yaml':
        'description: a\ninclude:\n  - state: member\n    each: pillar.clusters as cluster\n    with: { name: "{{ cluster.name }}", all: "{{ cluster }}" }\n    when: ne cluster.name "off"\n',
      'member.yaml': state('  unit:\n    test.any: { value: "{{ with.name }}-{{ with.all.port }}" }\n'),
    };
    const context = contextWith({
      clusters: [{ name: 'main', port: 1 }, { name: 'off' }, { name: 'events', port: 2 }],
    });
    const declarations = await declare(files, context);
    expect(declarations.map(({ id }) => id)).toEqual(['member[main]/unit', 'member[events]/unit']);
    expect(declarations.map((each) => must(each.render({})))).toEqual([
      { skip: false, want: { value: 'main-1' } },
      { skip: false, want: { value: 'events-2' } },
    ]);
  });

  it('takes the same values twice as one, others as an error', async () => {
    const files = (second: string) => ({
      's.yaml': `description: a\ninclude:\n  - { state: a, with: { n: 1 } }\n  - { state: a, with: { n: ${second} } }\n`,
      'a.yaml': state(item('x')),
    });
    expect(await ids(files('1'))).toEqual(['a/x']);
    expect(await complain(files('2'))).toEqual([
      's.yaml:4:14: a is already included at s.yaml:3:14 with other values (include it by each, so that every instance has a key of its own, or with the same values)',
    ]);
  });

  it('that leads back to its beginning is told with the whole way', async () => {
    const files = {
      's.yaml': 'description: a\ninclude: [a]\n',
      'a.yaml': 'description: a\ninclude: [b]\n',
      'b.yaml': 'description: a\ninclude:\n  - state: a\n    when: false\n',
    };
    expect(await complain(files)).toEqual([
      'b.yaml:3:12: states include each other: a (a.yaml:2:11) → b (b.yaml:3:12) → a (remove one of these includes)',
    ]);
  });
});

describe('a state of the kubernetes family', () => {
  const shipped = {
    'kubernetes/etcd/configured.yaml': state(item('unit'), include('  - etcd.installed\n')),
    'kubernetes/etcd/installed.yaml': state(item('binaries')),
    'kubernetes/running.yaml': 'description: all\ninclude: [{ state: etcd.configured }]\n',
  };
  const own = (requisite: string) =>
    state(item('x', `    require: [${requisite}]\n`), include('  - etcd.configured\n'));

  it('has a short name wherever a state is named, and its resources keep the full one', async () => {
    const set = must(await createRig(shipped).load('running', 'kubernetes.running', 'etcd.installed'));
    expect(set.names).toEqual(['kubernetes.running', 'kubernetes.etcd.installed']);
    expect(must(set.declare(CONTEXT)).declarations.map(({ id }) => id)).toEqual([
      'kubernetes.etcd.installed/binaries',
      'kubernetes.etcd.configured/unit',
    ]);
    for (const requisite of ['etcd.configured', 'etcd.configured/unit', '"etcd.{{ pillar.short }}"']) {
      const files = { ...shipped, 's.yaml': own(requisite) };
      const context = contextWith({ short: 'configured/unit' });
      expect(await references(files, context)).toContainEqual(
        expect.stringMatching(/^s\/x: require .*kubernetes\.etcd\.configured\/unit/),
      );
    }
    const tree = await describeState({
      directories: [createRig(shipped).directory],
      name: 'running',
      modules: MODULES,
    });
    expect(must(tree)).toMatchObject({
      name: 'kubernetes.running',
      include: [{ state: 'kubernetes.etcd.configured' }],
    });
  });

  it('gives way to a state that has exactly that name', async () => {
    const files = { ...shipped, 'etcd/installed.yaml': state(item('own')), 's.yaml': own('etcd.installed/own') };
    expect(await ids(files)).toEqual(['etcd.installed/own', 'kubernetes.etcd.configured/unit', 's/x']);
    expect(must(await listStates([createRig(files).directory])).map(({ name, short }) => [name, short])).toEqual([
      ['etcd.installed', undefined],
      ['kubernetes.etcd.configured', 'etcd.configured'],
      ['kubernetes.etcd.installed', undefined],
      ['kubernetes.running', 'running'],
      ['s', undefined],
    ]);
  });

  it('is suggested by the name that is nearest', async () => {
    const told = async (name: string) => failuresOf(await createRig(shipped).load(name))[0]?.next;
    expect(await told('etcd.configurd')).toBe('did you mean etcd.configured?');
    expect(await told('kubernetes.etcd.instaled')).toBe('did you mean kubernetes.etcd.installed?');
    expect(await complain({ ...shipped, 's.yaml': own('running') })).toEqual([
      's.yaml:7:15: kubernetes.running names a state that is not included (add kubernetes.running to include)',
    ]);
    expect(await complain({ ...shipped, 's.yaml': own('etcd.configured/units') })).toEqual([
      's.yaml:7:15: kubernetes.etcd.configured/units is neither a resource nor a state here (did you mean kubernetes.etcd.configured/unit?)',
    ]);
  });
});

describe('each and when', () => {
  it('give every item of a list a resource: by itself, its name or its position', async () => {
    const each = (list: string) => ({ 's.yaml': state(item('x', `    each: ${list} as thing\n`)) });
    expect(await ids(each('pillar.things'))).toEqual(['s/x[a]', 's/x[b]']);
    expect(await ids(each('cluster.members'))).toEqual(['s/x[m1]', 's/x[m2]']);
    const odd = contextWith({ odd: ['two words', 5, { no: 'name' }, new Sensitive('hidden'), '/etc/x'] });
    expect(await ids(each('pillar.odd'), odd)).toEqual(['s/x[0]', 's/x[5]', 's/x[2]', 's/x[3]', 's/x[/etc/x]']);
    expect(await ids(each('(default pillar.absent (list))'))).toEqual([]);
  });

  it('leave a resource out before the host is asked, unless the condition names facts', async () => {
    const files = (when: string) => ({ 's.yaml': state(item('x', `    when: ${when}\n`)) });
    expect(await ids(files('pillar.off'))).toEqual([]);
    expect(await ids(files('eq pillar.port 2379'))).toEqual(['s/x']);
    expect(await ids(files('(eq pillar.port 2379)'))).toEqual(['s/x']);
    expect(await ids(files('false'))).toEqual([]);
    const [asked] = await declare(files('and pillar.flag (not facts.container)'));
    expect(must(asked!.render({ container: true }))).toEqual({ skip: true });
    expect(must(asked!.render({ container: false }))).toEqual({ skip: false, want: { value: 1 } });
    expect(failuresOf(asked!.render({}))).toMatchObject([
      { host: 'm1', resource: 's/x', message: 'facts.container is not set for m1' },
    ]);
  });

  it('a resource that is left out is not rendered', async () => {
    const files = {
      's.yaml': state('  x:\n    file.managed: { path: "{{ pillar.absent }}" }\n    when: defined pillar.absent\n'),
    };
    expect(await ids(files)).toEqual([]);
  });
});

describe('requisites', () => {
  const files = {
    's.yaml': state(
      item('x', '    require: [a]\n    watch: [a/one, b]\n    onfail: y\n') + item('y', '    onchanges: a/two\n'),
      include('  - a\n  - b\n'),
    ),
    'a.yaml': state(
      item('one') + item('two', '    each: pillar.things as thing\n') + item('gone', '    when: false\n'),
    ),
    'b.yaml': 'description: b\ninclude: [c]\n',
    'c.yaml': state(item('in-c')),
  };

  it('mean a resource, all items of one, or a state with all that it includes', async () => {
    expect(await references(files)).toEqual([
      's/x: require a/one a/two[a] a/two[b]',
      's/x: watch a/one',
      's/x: watch c/in-c',
      's/x: onfail s/y',
      's/y: onchanges a/two[a] a/two[b]',
    ]);
  });

  it('may name one item or instance, and drop what a condition leaves out', async () => {
    const named = {
      ...files,
      's.yaml': state(
        item('x', '    require: ["a/two[b]", a/gone, "m[k]", "m[k]/unit", "n[z]/unit", "{{ concat pillar.name }}"]\n') +
          item('etcd'),
        include('  - a\n  - { state: m, each: (list "k" "l") as k }\n  - { state: n, when: false }\n'),
      ),
      'm.yaml': state(item('unit') + item('other', '    require: [unit]\n')),
      'n.yaml': state(item('unit')),
    };
    expect(await references(named)).toEqual([
      'm[k]/other: require m[k]/unit',
      'm[l]/other: require m[l]/unit',
      's/x: require a/two[b]',
      's/x: require ',
      's/x: require m[k]/unit m[k]/other',
      's/x: require m[k]/unit',
      's/x: require ',
      's/x: require s/etcd',
    ]);
  });

  it('that name an item that is not there, or a state that is not included, are refused', async () => {
    const wrong = (text: string) =>
      complain({
        ...files,
        'other.yaml': state(item('o')),
        's.yaml': state(item('x', `    require: [${text}]\n`), include('  - a\n')),
      });
    expect(await wrong('"a/two[c]"')).toEqual([
      's.yaml:7:15: a/two[c] is neither a resource nor a state here (did you mean a/two[a]?)',
    ]);
    expect(await wrong('other/o')).toEqual([
      's.yaml:7:15: other/o names a state that is not included (add other to include)',
    ]);
    expect(await wrong('"{{ pillar.port }}"')).toEqual([
      's.yaml:7:15: this must be a string without secrets, because plans show it (use another value)',
    ]);
  });
});

it('two resources that claim one thing are refused, both places told', async () => {
  const text = state(
    '  x:\n    file.managed: { path: /a }\n  y:\n    file.managed: { path: "/{{ lower "A" }}" }\n'.replaceAll(
      '"A"',
      "'A'",
    ),
  );
  expect(await complain({ 's.yaml': text })).toEqual([
    's.yaml:5:3: s/y and s/x (s.yaml:3:3) both claim file:/a (let one resource have it)',
  ]);
});

it('scope, disrupts, commands and identity with its defaults are kept', async () => {
  const text = state(
    '  x:\n    service.running: { name: "{{ pillar.name }}" }\n    scope: cluster\n    disrupts: etcd\n    onlyif: ["test -e {{sh pillar.name}}"]\n    unless: exit 1\n',
  );
  const [declaration] = await declare({ 's.yaml': text });
  expect(declaration).toMatchObject({
    id: 's/x',
    state: 's',
    identity: { name: 'etcd' },
    scope: 'cluster',
    disrupts: 'etcd',
    onlyif: ["test -e 'etcd'"],
    unless: ['exit 1'],
    place: { line: 3, column: 3 },
  });
  expect(must(declaration!.render({}))).toEqual({ skip: false, want: { name: 'etcd', enabled: true } });
});

describe('a secret', () => {
  const secret = contextWith({
    password: new Sensitive('hunter2'),
    user: { name: 'root', password: new Sensitive('hunter2') },
  });
  const value = (text: string, parameter = 'secret') => ({
    's.yaml': state(`  x:\n    test.any: { value: 1, ${parameter}: '${text}' }\n`),
  });

  it.each<[string, unknown]>([
    ['{{ pillar.password }}', 'hunter2'],
    ['a {{ pillar.password }}', 'a hunter2'],
    ['{{ concat "a" pillar.password }}', 'ahunter2'],
    ['{{ json pillar.user }}', '{"name":"root","password":"hunter2"}'],
    ['{{ pillar.user }}', { name: 'root', password: 'hunter2' }],
    ['{{#if pillar.password}}yes{{/if}}', 'yes'],
    ['{{#with pillar.user as |u|}}{{ u.password }}{{/with}}', 'hunter2'],
    ['{{ default pillar.password "x" }}', 'hunter2'],
    ['{{ eq pillar.password "x" }}', false],
  ])('taints what is made of it: %s', async (text, revealed) => {
    const [declaration] = await declare(value(text), secret);
    const wanted = must(declaration!.render({}));
    const got = wanted.skip ? undefined : wanted.want.secret;
    expect(isSensitive(got!)).toBe(true);
    expect((got as Sensitive<unknown>).reveal()).toEqual(revealed);
  });

  it('does not taint what stands beside it', async () => {
    const [declaration] = await declare(value('{{ pillar.user.name }}'), secret);
    expect(must(declaration!.render({}))).toMatchObject({ want: { secret: 'root' } });
  });

  it.each([
    ['{{ pillar.password }}', 'value'],
    ['a {{ pillar.user.password }}', 'value'],
    ['{{ pillar.user }}', 'value'],
    ['{{ pillar.password }}', 'id'],
    ['{{ eq pillar.password 5 }}', 'secret'],
    ['{{#each pillar.password}}{{/each}}', 'secret'],
    ['{{ plain pillar.user.password }} {{ word pillar.password }}', 'secret'],
    ['{{ pillar.password.x }}', 'secret'],
  ])('is refused unprinted where it does not belong: %s in %s', async (text, parameter) => {
    const told = await complain(
      { 's.yaml': value(text, parameter)['s.yaml']!.replace(/value: 1, value/, 'value') },
      secret,
    );
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^s\.yaml:4:\d+: /);
    expect(told[0]).not.toMatch('hunter2');
  });

  it('is passed on by include without tainting its neighbours', async () => {
    const files = {
      's.yaml': 'description: a\ninclude:\n  - { state: a, with: { user: "{{ pillar.user }}" } }\n',
      'a.yaml': state('  x:\n    test.any: { value: "{{ with.user.name }}", secret: "{{ with.user.password }}" }\n'),
    };
    const [declaration] = await declare(files, secret);
    expect(must(declaration!.render({}))).toMatchObject({ want: { value: 'root', secret: new Sensitive('hunter2') } });
  });

  it('cannot be in a command that plans show', async () => {
    const files = { 's.yaml': state(item('x', '    onlyif: "test {{sh pillar.password}}"\n')) };
    expect(await complain(files, secret)).toEqual([expect.stringMatching(/^s.yaml:5:13: .*without secrets/)]);
  });
});

describe('states list and show', () => {
  it('list every state with its description, not the other YAML files', async () => {
    const rig = createRig({
      'own/a.yaml': 'description: mine\n',
      'shipped/a.yaml': 'description: theirs\n',
      'shipped/k/init.yaml': 'description: a folder\n',
      'shipped/k/templates/broken.yaml': '{{',
      'shipped/k/manifest.yaml': 'kind: Pod\n',
    });
    const found = must(await listStates(['own', 'shipped', 'absent'].map((each) => `${rig.directory}/${each}`)));
    expect(found.map(({ name, description, shadowed }) => [name, description, shadowed.length])).toEqual([
      ['a', 'mine', 1],
      ['k', 'a folder', 0],
    ]);
  });

  it('show what a state and those that it includes declare', async () => {
    const { directory } = createRig({
      's.yaml': state(
        item('x', '    require: [a]\n    when: not facts.container\n'),
        include('  - { state: a, each: pillar.things as thing }\n'),
      ),
      'a.yaml': state(item('y')),
    });
    const shown = must(await describeState({ directories: [directory], name: 's', modules: MODULES }));
    expect(shown).toMatchObject({
      name: 's',
      include: [{ state: 'a', each: 'pillar.things as thing' }],
      resources: [
        { id: 'x', module: 'test.any', requisites: { require: ['a'] }, when: 'not facts.container', scope: 'host' },
      ],
      includes: [{ name: 'a', resources: [{ id: 'y' }] }],
    });
  });
});

it('the files of states and templates are named with their digests', async () => {
  const rig = createRig({
    's.yaml': state('  x:\n    file.managed: { path: /x, template: x.hbs }\n', include('  - a\n')),
    'a.yaml': 'description: a\n',
    'x.hbs': 'text',
  });
  const { sources } = must(await rig.load('s'));
  expect(sources.map(({ file }) => file.split('/').at(-1))).toEqual(['s.yaml', 'x.hbs', 'a.yaml']);
  expect(sources[1]!.sha256).toBe('982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1');
});
