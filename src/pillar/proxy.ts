// The proxy that etcd, the control plane, the kubelet and the container runtime of a host go through, and whom they reach without it.
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import { isSensitive, reveal, Sensitive } from '../sensitive.ts';
import type { Value, ValueMap } from '../value.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

const URLS = ['http', 'https'];
const OWN = ['localhost', '127.0.0.1', '::1'];

/**
 * The variables of their environment, by name; undefined without a proxy. The members of the cluster are never reached
 * through it: etcd asks the environment for a proxy to its peers too (etcd's `client/pkg/transport`), and a cluster
 * behind one that is down has lost its quorum.
 */
export function proxyVariables(pillar: ValueMap, addresses: readonly string[]): ValueMap | undefined {
  const { proxy } = pillar;
  if (!isMap(proxy)) return undefined;
  const urls = URLS.flatMap((name): [string, Value][] => {
    const url = proxy[name];
    return url === undefined || url === null ? [] : [[`${name.toUpperCase()}_PROXY`, url]];
  });
  if (urls.length === 0) return undefined;
  const further = (Array.isArray(proxy.no_proxy) ? proxy.no_proxy : []) as Value[];
  const list = [
    ...new Set([...addresses, ...OWN, ...ofKubernetes(pillar), ...further.map((each) => reveal(each) as string)]),
  ];
  const text = list.join(',');
  return { ...Object.fromEntries(urls), NO_PROXY: further.some(isSensitive) ? new Sensitive(text) : text };
}

/** What is only inside the cluster, as kubeadm's own preflight wants it. */
function ofKubernetes({ control_plane: plane, ...pillar }: ValueMap): string[] {
  if (plane !== 'managed') return [];
  const { service_cidr: services, cluster_cidr: pods, dns_domain: domain, control_plane_endpoint: endpoint } = pillar;
  const host = typeof endpoint === 'string' ? endpoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : undefined;
  const all = [host, services, pods, '.svc', typeof domain === 'string' ? `.${domain}` : undefined];
  return all.filter((each) => typeof each === 'string');
}

export function checkProxy(pillar: Pillar): Failure[] {
  const { proxy } = pillar.data;
  if (!isMap(proxy)) return [];
  const given = URLS.filter((name) => proxy[name] !== undefined && proxy[name] !== null);
  if (given.length === 0) {
    const message = 'proxy has neither http nor https, so nothing goes through one';
    return [
      refuse(
        pillar,
        [['proxy']],
        message,
        'proxy: { http: http://HOST:PORT, https: http://HOST:PORT }, or leave it out',
      ),
    ];
  }
  return given.flatMap((name): Failure[] => {
    const url = URL.parse(String(reveal(proxy[name]!)));
    const at = [['proxy', name]];
    if (url === null) return [refuse(pillar, at, `proxy.${name} is no URL`, 'http://HOST:PORT')];
    if (url.username === '' && url.password === '') return [];
    // Not shown: the message would be in every log.
    const message = `proxy.${name} has a user or a password in it, which everybody on the host could read: in manifests, units and /proc`;
    return [
      refuse(
        pillar,
        at,
        message,
        'let the proxy know the hosts by their addresses, or run one on the host that logs in',
      ),
    ];
  });
}
