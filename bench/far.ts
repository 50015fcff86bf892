// Hosts of a lab at a distance: in each one's own network a wire stands before its sshd.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespaceOf } from '../lab/network.ts';
import type { Settings } from '../lab/settings.ts';
import type { Traffic } from './wire.ts';

export interface Distance {
  /** Where the hosts' far sshd is to be found, at their own addresses. */
  port: number;
  /** The connections of each host that have ended since this was last asked; waits until each of `hosts` has one. */
  traffic(hosts: readonly string[]): Promise<Map<string, Traffic[]>>;
  close(): void;
}

const PORT = 2222;
/** For the end of connections whose command has ended. Milliseconds. */
const PATIENCE_MS = 30_000;

/** `delayMs`: each way. */
export async function moveAway(lab: Settings, hosts: readonly string[], delayMs: number): Promise<Distance> {
  let traffic = new Map<string, Traffic[]>();
  const children: ChildProcess[] = [];
  await Promise.all(
    hosts.map(async (host) => {
      const words = [join(import.meta.dirname, 'wire.ts'), String(PORT), '22', String(delayMs)];
      const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, host), process.execPath, ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      const lines = createInterface({ input: child.stdout! });
      const [first] = await Promise.race([once(lines, 'line'), once(child, 'exit')]);
      if (first !== 'listening') throw new Error(`no wire could be put before ${host}`);
      lines.on('line', (line) => traffic.set(host, [...(traffic.get(host) ?? []), JSON.parse(line)]));
    }),
  );
  return {
    port: PORT,
    async traffic(hosts) {
      const until = performance.now() + PATIENCE_MS;
      while (!hosts.every((host) => traffic.has(host))) {
        if (performance.now() > until) throw new Error('a connection over the wire has not ended');
        await sleep(20);
      }
      const told = traffic;
      traffic = new Map();
      return told;
    },
    close() {
      for (const child of children) child.kill();
    },
  };
}
