// Where an API server finds its etcd: the values of --etcd-servers and --etcd-servers-overrides.

/** Where one member serves clients. */
export interface Server {
  /** A name or an address; IPv6 with or without brackets. */
  address: string;
  clientPort: number;
}

/** `https://10.0.0.1:2379,https://10.0.0.2:2379`, in the order given. */
export function etcdServers(members: readonly Server[]): string {
  return members.map(urlOf).join(',');
}

/**
 * `/events#https://10.0.0.1:2382;https://10.0.0.2:2382`: GROUP/RESOURCE, whose group is the empty one of the core API, then
 * the servers with semicolons between them, since the flag takes several overrides with commas (`--etcd-servers-overrides` in
 * kube-apiserver's reference).
 */
export function eventsOverride(members: readonly Server[]): string {
  return `/events#${members.map(urlOf).join(';')}`;
}

function urlOf({ address, clientPort }: Server): string {
  return `https://${bracketed(address)}:${clientPort}`;
}

/** An IPv6 address stands in brackets before a port. */
export function bracketed(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}
