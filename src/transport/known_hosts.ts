// OpenSSH's known_hosts, parsed and matched as sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT, describes it.
import { createHash, createHmac } from 'node:crypto';

export interface KnownKey {
  file: string;
  /** 1-based. */
  line: number;
  marker?: 'revoked' | 'cert-authority';
  /** Names, wildcards, negations (`!`) or one hashed name (`|1|…`), as written. */
  patterns: string[];
  /** Such as `ssh-ed25519`. */
  type: string;
  key: Buffer;
}

/** The keys of one file. Lines that are no entries are left out, as ssh does. */
export function parseKnownHosts(file: string, text: string): KnownKey[] {
  const keys: KnownKey[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') ? words.shift()?.slice(1) : undefined;
    const [patterns, type, key] = words;
    if (patterns === undefined || patterns.startsWith('#') || type === undefined || key === undefined) continue;
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') continue;
    const entry = { file, line: index + 1, patterns: patterns.split(','), type, key: Buffer.from(key, 'base64') };
    keys.push(marker === undefined ? entry : { ...entry, marker });
  }
  return keys;
}

/** The keys that stand for a host. On another port than 22 a name is `[name]:port`; the bare one is the fallback. */
export function findKnownKeys(keys: readonly KnownKey[], hostname: string, port: number): KnownKey[] {
  const name = hostname.toLowerCase();
  const matching = (wanted: string) => keys.filter((key) => matchesName(key.patterns, wanted));
  if (port === 22) return matching(name);
  const exact = matching(`[${name}]:${port}`);
  return exact.some((key) => key.marker !== 'revoked') ? exact : [...exact, ...matching(name)];
}

function matchesName(patterns: readonly string[], name: string): boolean {
  let matches = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(pattern.slice(1), name)) return false;
    } else matches ||= matchesPattern(pattern, name);
  }
  return matches;
}

function matchesPattern(pattern: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(pattern);
  if (hashed !== null) {
    const [, salt = '', digest] = hashed;
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === digest;
  }
  return matchesWildcard(pattern.toLowerCase(), name);
}

/** `*` is any characters, `?` is one; no pattern is slow, whatever it repeats. */
function matchesWildcard(pattern: string, name: string): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}

/** As ssh prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key says of itself: the first string of its wire format (RFC 4253, 6.6). */
export function keyType(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return key.toString('latin1', 4, 4 + length);
}
