// The shipped states as they are rendered for the hosts of a small inventory.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Loaded, load } from '../../../src/engine/load.ts';
import type { ValueMap } from '../../../src/value.ts';
import { must } from './rig.ts';

const INVENTORY = `masters:
  vars: { etcd_cluster: main }
  hosts:
    M1: { ansible_host: 192.0.2.11 }
    m2: { ansible_host: 192.0.2.12 }
    m3: { ansible_host: 192.0.2.13 }
`;

/** A run of `state` on all hosts, up to where it would connect to them. */
export async function loaded(state: string, pillar: string, inventory = INVENTORY): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-states-'));
  const version = pillar.includes('etcd_version:') ? '' : 'etcd_version: 3.5.16\n';
  const files = { 'inventory.yaml': inventory, 'pillar/defaults.yaml': `${version}${pillar}` };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const attempt = await load({
    inventory: join(folder, 'inventory.yaml'),
    target: 'all',
    pillar: join(folder, 'pillar'),
    stateDirectories: ['states'],
    states: [state],
    limits: {},
  });
  rmSync(folder, { recursive: true });
  return must(attempt);
}

/** What the state and those that it brings along want of M1, by resource. */
export async function wanted(state: string, pillar: string, inventory?: string): Promise<Map<string, ValueMap>> {
  const { graph } = await loaded(state, pillar, inventory);
  const etcd = { initial_state: 'existing' };
  return new Map(
    [...graph.nodes.values()].flatMap((node): [string, ValueMap][] => {
      const declaration = node.declarations.get('M1');
      if (declaration === undefined) return [];
      const rendered = must(declaration.render({ os: 'debian', etcd }));
      return rendered.skip ? [] : [[declaration.id.replace(/^kubernetes\./, ''), rendered.want]];
    }),
  );
}
