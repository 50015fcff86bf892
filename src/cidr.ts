// Networks as Kubernetes' flags have them: `10.96.0.0/12`, `fd00:10::/108`.
import { isIP, isIPv6 } from 'node:net';

export interface Cidr {
  first: bigint;
  /** How many addresses it has. */
  size: bigint;
  family: 4 | 6;
}

/** Undefined for what is no network, or whose address has bits set behind its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address, length] = /^([0-9A-Fa-f.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = address === undefined ? 0 : isIP(address);
  if (family !== 4 && family !== 6) return undefined;
  const bits = (family === 4 ? 32 : 128) - Number(length);
  if (bits < 0) return undefined;
  const size = 1n << BigInt(bits);
  const first = parseAddress(address!);
  return first % size === 0n ? { first, size, family } : undefined;
}

/** The address at `index` of the network, counted from 0; undefined where it has not that many. */
export function addressIn({ first, size, family }: Cidr, index: number): string | undefined {
  return BigInt(index) < size ? formatAddress(first + BigInt(index), family) : undefined;
}

export function overlap(one: Cidr, other: Cidr): boolean {
  return one.family === other.family && one.first < other.first + other.size && other.first < one.first + one.size;
}

function parseAddress(address: string): bigint {
  if (!isIPv6(address)) return joinParts(address.split('.').map(Number), 8n);
  // The shortest form has no dotted end: only groups, and at most one `::`.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, behind] = [groups(head), groups(tail ?? '')];
  const zeros = Array<number>(8 - before.length - behind.length).fill(0);
  return joinParts([...before, ...zeros, ...behind], 16n);
}

function joinParts(parts: number[], bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) + BigInt(part), 0n);
}

function formatAddress(value: bigint, family: 4 | 6): string {
  const [count, bits] = family === 4 ? [4, 8n] : [8, 16n];
  const parts = Array.from(
    { length: count },
    (_, n) => (value >> (bits * BigInt(count - 1 - n))) & ((1n << bits) - 1n),
  );
  if (family === 4) return parts.join('.');
  return new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname.slice(1, -1);
}
