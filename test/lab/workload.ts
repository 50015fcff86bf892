// Something to apply, of all kinds, in three stages; each generation of it changes every file and restarts the service.
import { createHash } from 'node:crypto';
import type { Rig } from './rig.ts';

export const STATE = 'app.configured';
/** On m3: lets a held `slow` end. */
export const GO = '/run/go';
const FILES = ['a', 'b', 'c', 'd', 'e', 'f'];
const FILE_BYTES = 64 * 1024;

export interface Workload {
  /** How often it was declared anew. */
  readonly generation: number;
  /** Writes the states of the next generation. `held`: on m3 the command `slow` lasts until there is {@link GO}. */
  advance(held?: 'held'): void;
  /** By path, the sha256 that its file has in this generation, or in another. */
  sums(generation?: number): Record<string, string>;
}

export function createWorkload(rig: Rig): Workload {
  let generation = 0;
  return {
    get generation() {
      return generation;
    },
    advance(held) {
      generation += 1;
      for (const name of FILES) rig.write({ [`states/app/${name}.hbs`]: lines(name, generation, FILE_BYTES) });
      rig.write({ 'states/app/configured.yaml': states(generation, held === 'held') });
    },
    sums(of = generation) {
      const files = [
        ...FILES.map((name) => [name, lines(name, of, FILE_BYTES)]),
        ...['config', 'copy', 'together', 'last'].map((name) => [name, config(of)]),
      ];
      return Object.fromEntries(
        files.map(([name, text]) => [`/srv/app/${name}`, createHash('sha256').update(text!).digest('hex')]),
      );
    },
  };
}

function lines(name: string, generation: number, bytes: number): string {
  const line = `${name} ${generation} `.padEnd(63, '.');
  return `${line}\n`.repeat(bytes / 64);
}

function config(generation: number): string {
  return `generation ${generation}\n`;
}

/**
 * The service takes its configuration when it starts: /run/app.config is what it runs with. `slow` stands between the
 * change of the configuration and the restart, so that a crash is likely where a restart could be lost; it writes down
 * when it begins and ends, so that two at once would be seen.
 */
function states(generation: number, held: boolean): string {
  const text = JSON.stringify(config(generation));
  const files = FILES.map(
    (name) => `
  file-${name}:
    file.managed: { path: /srv/app/${name}, template: ${name}.hbs }
    require: [directory]`,
  );
  return `description: All kinds of things.
resources:
  directory:
    file.directory: { path: /srv/app }
  unit:
    file.managed:
      path: /etc/systemd/system/app.service
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/cp /srv/app/config /run/app.config
        [Install]
        WantedBy=multi-user.target
  config:
    file.managed: { path: /srv/app/config, content: ${text} }
    require: [directory]
  slow:
    command.run:
      command: |
        echo begin $$ >>/var/log/steps
        sleep 0.3
        ${held ? `[ "$(hostname)" != m3 ] || until [ -e ${GO} ]; do sleep 0.1; done` : ''}
        cp /srv/app/config /srv/app/copy
        echo end $$ >>/var/log/steps
      unless: cmp /srv/app/config /srv/app/copy
      timeout: 300
    watch: [config]
  service:
    service.running: { name: app, enabled: true }
    require: [slow]
    watch: [unit, config]${files.join('')}
  together:
    command.run:
      command: cp /srv/app/config /srv/app/together
      unless: cmp /srv/app/config /srv/app/together
    scope: cluster
    require: [service]
    watch: [config]
  last:
    file.managed: { path: /srv/app/last, content: ${text} }
    require: [together]
`;
}
