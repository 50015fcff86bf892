// Loaded into a controller (`node --import`): it dies by SIGKILL when its journal has so many entries, and not a step later.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const last = Number(process.env.QUORATE_TEST_ENTRIES);
const append = fs.appendFileSync;
let entries = 0;

fs.appendFileSync = (file, text, options) => {
  append(file, text, options);
  if (!String(file).endsWith('/journal.jsonl') || text === '') return;
  entries += 1;
  if (entries === last) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
