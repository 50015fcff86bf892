// What members say of themselves while something happens to them: never two clusters at once, never an empty one.
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Cluster, HOSTS } from './cluster.ts';

const PKI = '/etc/kubernetes/pki/etcd';
const PATH = '/v3/maintenance/status';
/** Of a host that no cable leads to. */
const ASK_INSIDE = `curl -s -m 1 --cacert ${PKI}/ca.crt --cert ${PKI}/healthcheck-client.crt --key ${PKI}/healthcheck-client.key -d '{}' https://127.0.0.1:2379${PATH}`;
const PAUSE_MS = 300;

export interface Watch {
  /** Answers so far. */
  seen(): number;
  /** Stops asking; fails where there were two clusters, or an empty one. */
  end(): Promise<void>;
}

/** Asks over connections that stay open: it goes on for as long as what is watched, beside it. */
export async function watchMembers({ rig }: Cluster): Promise<Watch> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map((name) =>
      rig.lab.run('m1', `cat ${PKI}/${name}`),
    ),
  );
  const agent = new Agent({ keepAlive: true, ca: ca!, cert: cert!, key: key! });
  const faults = new Set<string>();
  let answers = 0;
  let ended = false;

  /** Undefined: nobody answers there. */
  function askOutside(host: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const options = { host: rig.lab.address(host), port: 2379, path: PATH, method: 'POST', agent, timeout: 1000 };
      const asked = request(options, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => resolve(text)).on('error', reject);
      });
      asked.on('timeout', () => asked.destroy(new Error('no answer'))).on('error', reject);
      asked.end('{}');
    });
  }

  /** The cluster that a host's member is of; empty: a host that is down, and a member that does not serve, say nothing. */
  async function ask(host: string): Promise<string> {
    const said = await askOutside(host).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED'
        ? undefined
        : rig.lab.exec(host, ASK_INSIDE).then(
            ({ stdout }) => stdout,
            () => undefined,
          ),
    );
    const [, cluster] = /"cluster_id":"(\d+)"/.exec(said ?? '') ?? [];
    if (cluster === undefined) return '';
    answers += 1;
    const revision = Number(/"revision":"(\d+)"/.exec(said!)?.[1] ?? 0);
    if (revision <= 1) faults.add(`${host} serves an empty cluster ${cluster}`);
    return cluster;
  }

  const look = () => Promise.all(HOSTS.map(ask));

  async function watch(): Promise<void> {
    while (!ended) {
      const first = await look();
      // Three answers are not of one instant: two clusters are two only when both are still there.
      if (isSplit(first)) {
        const second = await look();
        const same = second.map((id, at) => (id === first[at] ? id : ''));
        if (isSplit(same)) faults.add(`two clusters serve at once: ${same.join(' ')}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  const watching = watch();
  return {
    seen: () => answers,
    async end() {
      ended = true;
      await watching;
      agent.destroy();
      expect([...faults]).toEqual([]);
    },
  };
}

function isSplit(ids: readonly string[]): boolean {
  return new Set(ids.filter(Boolean)).size > 1;
}
