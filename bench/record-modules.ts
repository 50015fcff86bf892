// Loaded before a program: writes the URL of every module that the program loads to the file $QUORATE_MODULES.
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const list = process.env.QUORATE_MODULES;
if (list === undefined) throw new Error('QUORATE_MODULES names no file');
registerHooks({
  load(url, context, next) {
    appendFileSync(list, `${url}\n`);
    return next(url, context);
  },
});
