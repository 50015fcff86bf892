// The shells that a host's `sh` may be.
export const SHELLS: [name: string, argv: [string, ...string[]]][] = [
  ['dash', ['dash']],
  ['bash', ['bash']],
  ['busybox sh', ['busybox', 'sh']],
];
