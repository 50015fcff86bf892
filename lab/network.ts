import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';
import { locked } from './lock.ts';
import { addressOf, type Settings } from './settings.ts';
import { ask, sh } from './shell.ts';

/** The network namespace of a host; it outlives a crash, so the address does too. */
export function namespaceOf(lab: Settings, host: string): string {
  return `${lab.switch}.${host}`;
}

/** Makes the bridge, in a namespace of its own so that the machine's firewall has no say in it, and the machine's cable to it. */
export async function ensureSwitch(lab: Settings): Promise<void> {
  if (await switchWorks(lab)) return;
  await removeNamespace(lab.switch);
  await ask`ip link del ${lab.uplink}`;
  // Between looking and taking the subnet no other lab may take it.
  await locked(
    '/run/lock/quorate-lab-subnets',
    () => {},
    async () => {
      await refuseUsedSubnet(lab);
      const [bridge, uplink] = [lab.switch, lab.uplink];
      await sh`
      ip netns add ${bridge}
      ip -n ${bridge} link add br0 type bridge
      ip -n ${bridge} link set br0 up
      ip link add ${uplink} type veth peer name up0 netns ${bridge}
      ip -n ${bridge} link set up0 master br0 up
      ip addr add ${lab.subnet}.1/24 dev ${uplink}
      ip link set ${uplink} up
      ip netns exec ${bridge} nft ${`table bridge cut {
        set pairs { type ipv4_addr . ipv4_addr; }
        chain forward { type filter hook forward priority 0; ip saddr . ip daddr @pairs drop; }
      }`}`;
    },
  );
}

/** Makes a host's network namespace with its address, and its cable to the bridge. The port is off until the host is. */
export async function ensureCable(lab: Settings, host: string): Promise<void> {
  const inside = namespaceOf(lab, host);
  const address = `${addressOf(lab, host)}/24`;
  const there = await ask`ip -n ${inside} addr show dev eth0 && ip -n ${lab.switch} link show ${host}`;
  if (there.exitCode === 0 && there.stdout.includes(` ${address} `)) return;
  await removeNamespace(inside);
  await ask`ip -n ${lab.switch} link del ${host}`;
  await sh`
    ip netns add ${inside}
    ip -n ${inside} link set lo up
    ip -n ${lab.switch} link add ${host} type veth peer name eth0 netns ${inside}
    ip -n ${lab.switch} link set ${host} master br0
    ip -n ${inside} link set eth0 up
    ip -n ${inside} addr add ${address} dev eth0`;
}

/** Gives a host's port on the bridge power or takes it: a dead machine answers nobody, not even with a refusal. */
export async function setPort(lab: Settings, host: string, state: 'up' | 'down'): Promise<void> {
  await sh`ip -n ${lab.switch} link set ${host} ${state}`;
}

/** Drops or lets pass what two hosts say to each other; both stay reachable from the machine. */
export async function setPair(lab: Settings, a: string, b: string, state: 'cut' | 'healed'): Promise<void> {
  const [x, y] = [addressOf(lab, a), addressOf(lab, b)];
  const pairs = `{ ${x} . ${y}, ${y} . ${x} }`;
  // Adding first makes deleting what was never cut fine.
  const rules = [
    `add element bridge cut pairs ${pairs}`,
    ...(state === 'cut' ? [] : [`delete element bridge cut pairs ${pairs}`]),
  ];
  await sh`ip netns exec ${lab.switch} nft ${rules.join('; ')}`;
}

/** Removes a network namespace and every cable that ends in it. */
export async function removeNamespace(name: string): Promise<void> {
  if (existsSync(join('/run/netns', name))) await sh`ip netns del ${name}`;
}

async function switchWorks(lab: Settings): Promise<boolean> {
  // The table is the last thing that is made.
  const table = await ask`ip netns exec ${lab.switch} nft list table bridge cut`;
  const uplink = await ask`ip -4 addr show dev ${lab.uplink}`;
  return table.exitCode === 0 && uplink.stdout.includes(` ${lab.subnet}.1/24 `);
}

async function refuseUsedSubnet(lab: Settings) {
  const addresses = JSON.parse((await sh`ip -json -4 addr`).stdout) as {
    ifname: string;
    addr_info: { local: string; prefixlen: number }[];
  }[];
  const routes = JSON.parse((await sh`ip -json -4 route`).stdout) as { dst: string; dev?: string }[];
  const used = [
    ...addresses.flatMap((link) => link.addr_info.map((a) => ({ net: `${a.local}/${a.prefixlen}`, dev: link.ifname }))),
    ...routes
      .filter((route) => route.dst !== 'default')
      .map((route) => ({ net: route.dst, dev: route.dev ?? 'a route' })),
  ];
  const clash = used.find(({ net }) => overlaps(net, `${lab.subnet}.0/24`));
  if (clash)
    throw new LabFailure(
      `${lab.subnet}.0/24 is in use on this machine: ${clash.net} on ${clash.dev}.`,
      'set QUORATE_LAB_SUBNET to the first three numbers of a free /24, for example 10.213.8',
    );
}

function overlaps(a: string, b: string): boolean {
  const [x, y] = [parse(a), parse(b)];
  const size = 2 ** (32 - Math.min(x.length, y.length));
  return Math.floor(x.number / size) === Math.floor(y.number / size);
}

function parse(net: string) {
  const [address = '', length = '32'] = net.split('/');
  return { number: address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), length: Number(length) };
}
