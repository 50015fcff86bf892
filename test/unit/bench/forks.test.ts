import { expect, it } from 'vitest';
import { readTrace } from '../../../bench/forks.ts';

it('counts processes, not threads, and whoever has not ended', () => {
  const trace = `10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 101
11 execve("/bin/sh", ["sh"], 0x55 /* 16 vars */) = 0
11 execve("/nowhere", ["no"], 0x55) = -1 ENOENT (No such file or directory)
11 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID <unfinished ...>
12 execve("/usr/bin/etcdctl", ["etcdctl"], 0x55 <unfinished ...>
11 <... clone resumed>, child_tidptr=0x7f) = ? ERESTARTNOINTR (To be restarted)
12 <... execve resumed>) = 0
11 vfork( <unfinished ...>
12 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0}, 88) = 103
13 +++ exited with 0 +++
11 <... vfork resumed>)             = 102
11 --- SIGCHLD {si_signo=SIGCHLD} ---
12 +++ killed by SIGTERM +++
`;
  expect(readTrace(trace)).toEqual({ processes: 2, programs: ['/bin/sh', '/usr/bin/etcdctl'], alive: 1 });
});
