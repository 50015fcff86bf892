// The shells that a host's `sh` may be.
export const SHELLS: [name: string, argv: [string, ...string[]]][] = [
  ['dash', ['dash']],
  // A pipe of Node is a socket, which bash takes for rshd's: it would read the ~/.bashrc of whoever runs the tests.
  ['bash', ['bash', '--norc']],
  ['busybox sh', ['busybox', 'sh']],
];
