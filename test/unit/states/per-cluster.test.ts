// States that a host has once for each cluster that it is a member of: what they are called, what they see, whom they wait for.
import { describe, expect, it } from 'vitest';
import { describeStateTree } from '../../../src/cli/state-text.ts';
import type { RenderContext } from '../../../src/states/declaration.ts';
import { describeState } from '../../../src/states/list.ts';
import { CONTEXT, complain, createRig, declare, failuresOf, MODULES, must, state } from './rig.ts';

const MAIN: RenderContext = { ...CONTEXT, pillar: { port: 2379, log: true } };
const BOTH: RenderContext = {
  ...MAIN,
  events: {
    pillar: { port: 2382, log: false },
    cluster: { ...CONTEXT.cluster!, name: 'main-events', service: 'etcd-events', events: true },
  },
};

const any = (id: string, value: string, more = '') => `  ${id}:\n    test.any: { value: "${value}" }\n${more}`;
const per = (text: string) => text.replace('description: A test.\n', 'description: A test.\nper: cluster\n');

/** As etcd's own states are: `s` includes what there is once for a host, and what there is for each cluster. */
const FILES = {
  's.yaml': state(any('done', 'x', '    require: [member]\n'), 'include: [member]\n'),
  'member.yaml': per(
    state(
      any('data', '{{ pillar.port }}', '    require: [guard]\n') +
        any('log', 'x', '    when: pillar.log\n') +
        any('service', '{{ cluster.name }}', '    require: [data, log, programs]\n    watch: [programs/binary]\n'),
      'include: [guard, programs]\n',
    ),
  ),
  'guard.yaml': per(state(any('guard', '{{ cluster.name }}'))),
  'programs.yaml': state(any('binary', '{{ cluster.name }}', '    require: [guard]\n'), 'include: [guard]\n'),
};

async function requisitesOf(context: RenderContext) {
  return Object.fromEntries(
    (await declare(FILES, context)).map(({ id, requisites }) => [
      id,
      [...requisites.require, ...requisites.watch].flatMap(({ ids }) => ids),
    ]),
  );
}

describe('a state per cluster', () => {
  it('is one like any other on a host with one cluster', async () => {
    const declarations = await declare(FILES, MAIN);
    expect(declarations.map(({ id, cluster }) => `${id} ${cluster}`)).toEqual([
      'guard/guard main',
      'programs/binary main',
      'member/data main',
      'member/log main',
      'member/service main',
      's/done main',
    ]);
  });

  it('is there a second time for events, as that cluster has it; what it shares is there once, and is main’s', async () => {
    const declarations = await declare(FILES, BOTH);
    const wants = declarations.map((each) => {
      const wanted = must(each.render({}));
      return [each.id, each.cluster, wanted.skip ? undefined : wanted.want.value];
    });
    expect(wants).toEqual([
      ['guard/guard', 'main', 'main'],
      ['guard[events]/guard', 'main-events', 'main-events'],
      ['programs/binary', 'main', 'main'],
      ['member/data', 'main', 2379],
      ['member/log', 'main', 'x'],
      ['member/service', 'main', 'main'],
      ['member[events]/data', 'main-events', 2382],
      ['member[events]/service', 'main-events', 'main-events'],
      ['s/done', 'main', 'x'],
    ]);
  });

  it('waits in events for its own cluster and for what is shared, and main never waits for events', async () => {
    const main = await requisitesOf(MAIN);
    expect(await requisitesOf(BOTH)).toEqual({
      ...main,
      'guard[events]/guard': [],
      'member[events]/data': ['guard[events]/guard'],
      'member[events]/service': ['member[events]/data', 'programs/binary', 'guard/guard', 'programs/binary'],
    });
    expect(main['member/service']).toEqual([
      'member/data',
      'member/log',
      'programs/binary',
      'guard/guard',
      'programs/binary',
    ]);
  });

  it('is asked for as both, and can be named with its key, which means nothing where there is no such cluster', async () => {
    const files = {
      ...FILES,
      's.yaml': state(
        any('done', 'x', '    require: ["member[events]", "member[events]/service"]\n'),
        'include: [member]\n',
      ),
    };
    const done = async (context: RenderContext) =>
      (await declare(files, context)).at(-1)!.requisites.require.map(({ ids }) => ids);
    expect(await done(BOTH)).toEqual([
      expect.arrayContaining(['member[events]/data', 'member[events]/service', 'guard[events]/guard']),
      ['member[events]/service'],
    ]);
    expect(await done(MAIN)).toEqual([[], []]);
    const set = must(await createRig(FILES).load('member'));
    const asked = must(set.declare(BOTH)).declarations.map(({ id }) => id);
    expect(asked).toContain('member/service');
    expect(asked).toContain('member[events]/service');
  });

  it('says so when it is described', async () => {
    const { directory } = createRig(FILES);
    const tree = must(await describeState({ directories: [directory], name: 's', modules: MODULES }));
    expect(tree.includes.map(({ name, per }) => [name, per])).toEqual([
      ['guard', 'cluster'],
      ['programs', undefined],
      ['member', 'cluster'],
    ]);
    expect(describeStateTree(tree)).toContain('guard.yaml, once for each etcd cluster of the host');
  });

  it('is refused where both would own one thing', async () => {
    const files = { 's.yaml': per(state('  unit:\n    service.running: { name: etcd }\n')) };
    const set = must(await createRig(files).load('s'));
    expect(failuresOf(set.declare(BOTH)).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^s\[events\]\/unit and s\/unit .* both claim service:etcd$/),
    ]);
  });

  it('cannot be per anything else', async () => {
    const text = per(state(any('a', 'x'))).replace('per: cluster', 'per: host');
    expect(await complain({ 's.yaml': text })).toEqual([expect.stringContaining('per')]);
  });
});
