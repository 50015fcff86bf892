// CRC-32 with Castagnoli's polynomial, as Go's hash/crc32: what `etcdctl snapshot status` prints as the hash.

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0x82f63b78 : entry >>> 1;
  return entry >>> 0;
});

/** The checksum of what `crc` stands for with `bytes` after it; begin with 0. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let state = ~crc;
  for (let at = 0; at < bytes.length; at++) state = TABLE[(state ^ bytes[at]!) & 255]! ^ (state >>> 8);
  return ~state >>> 0;
}
