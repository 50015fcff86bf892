// Loaded into a controller (`node --import`): when it ends it writes down the most memory that it has had at once, in bytes.
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => {
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  writeFileSync(process.env.QUORATE_TEST_PEAK!, String(Number(kibibytes) * 1024));
});
