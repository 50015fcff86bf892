// Format helpers: how a value is written into a text that has a structure of its own, so that it cannot change it.
import { findOpenQuote } from './shquotes.ts';

/** The text to insert, or what is wrong. `before`: all that stands in front of it. */
export type Format = (value: string, before: string) => { text: string } | { wrong: string; next?: string };

interface FormatHelper {
  usage: string;
  does: string;
  takes: readonly [number, number];
  format: Format;
}

const SAFE = /^[A-Za-z0-9_./:,=@+-]*$/;
/** As a URL has it: brackets around nothing but digits, colons and dots mean nothing to a unit, a list or a quoted word. */
const BRACKETED_ADDRESS = /^\[[0-9A-Fa-f:.]+\]/;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Every format helper takes one string, number or boolean. */
export const FORMATS: { [name: string]: FormatHelper } = {
  plain: {
    usage: 'plain A',
    does: 'A as it is, if it has letters, digits and _./:,=@+- only, after an IPv6 address in brackets at most; else an error',
    takes: [1, 1],
    format: formatPlain,
  },
  unit: {
    usage: 'unit A',
    does: 'the rest of a line of a systemd unit (`Description=`): specifiers are escaped, line ends refused',
    takes: [1, 1],
    format: formatUnit,
  },
  word: {
    usage: 'word A',
    does: 'one word, or a part of one, of an `Exec…=` or `Environment=` line of a systemd unit',
    takes: [1, 1],
    format: formatWord,
  },
  env: {
    usage: 'env A',
    does: 'the whole value of a line `NAME=` of an environment file, in double quotes',
    takes: [1, 1],
    format: formatEnv,
  },
  sh: {
    usage: 'sh A',
    does: 'one word, or a part of one, of a shell command, in single quotes',
    takes: [1, 1],
    format: formatSh,
  },
};

function formatPlain(value: string, before: string): ReturnType<Format> {
  if (value.includes('=') && /(^|\n)[ \t]*$/.test(before)) {
    return { wrong: 'begins a line with what could become a setting', next: 'write the name of the setting out' };
  }
  if (SAFE.test(value.replace(BRACKETED_ADDRESS, ''))) return { text: value };
  const odd = [...value].findIndex((letter) => !SAFE.test(letter));
  return { wrong: `takes letters, digits and _./:,=@+- only, but character ${odd + 1} is none of them` };
}

function formatUnit(value: string, before: string): ReturnType<Format> {
  const line = findUnitLine(before);
  if (!/^\s*[A-Za-z][A-Za-z0-9]*\s*=/.test(line)) return refuseOutsideSetting();
  if (/^\s*(Exec\w+|Environment)\s*=/.test(line)) {
    return { wrong: 'would let the value be several words of this line', next: 'use word here' };
  }
  if (CONTROL.test(value)) return { wrong: 'takes no line ends or other control characters' };
  if (value !== value.trim()) return { wrong: 'takes no spaces at the ends: systemd would drop them' };
  if (value.endsWith('\\')) return { wrong: 'takes no backslash at the end: it would join the next line' };
  return { text: value.replaceAll('%', '%%') };
}

/** Quoting as systemd.service(5) "Command lines" and systemd.syntax(7) "Quoting" have it. */
function formatWord(value: string, before: string): ReturnType<Format> {
  const line = findUnitLine(before);
  if (!/^\s*[A-Za-z][A-Za-z0-9]*\s*=/.test(line)) return refuseOutsideSetting();
  if (value.includes('\0')) return { wrong: 'takes no NUL character' };
  const command = /^\s*Exec\w+\s*=/.test(line);
  if (/^\s*Exec\w+\s*=\s*[-@:+!|]*$/.test(line) && !value.startsWith('/')) {
    return { wrong: 'begins a command here, so the value must be an absolute path' };
  }
  if (value === '') return { text: /(\s|^\s*\w+=)$/.test(line) ? '""' : '' };
  const text = [...value]
    .map((letter) => {
      if (letter === '%') return '%%';
      if (letter === '$') return command ? '$$' : '$';
      if (SAFE.test(letter) || letter > '\u007f') return letter;
      return `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
    })
    .join('');
  return { text };
}

/** Double quotes as both systemd.exec(5) "EnvironmentFile=" and sh read them. */
function formatEnv(value: string, before: string): ReturnType<Format> {
  const line = before.slice(before.lastIndexOf('\n') + 1);
  if (!/^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*=$/.test(line)) {
    return { wrong: 'gives a whole quoted value, so it must stand right after NAME=' };
  }
  if (CONTROL.test(value.replace(/[\t\n]/g, ''))) return { wrong: 'takes no control characters but tab and line end' };
  return { text: `"${value.replace(/["\\$`]/g, '\\$&')}"` };
}

function formatSh(value: string, before: string): ReturnType<Format> {
  if (value.includes('\0')) return { wrong: 'takes no NUL character' };
  const open = findOpenQuote(before);
  if (open !== undefined) {
    return {
      wrong: `stands ${open}, where its own quotes would not protect the value`,
      next: 'end the quotes before it',
    };
  }
  return { text: `'${value.replaceAll("'", `'\\''`)}'` };
}

function refuseOutsideSetting(): { wrong: string; next: string } {
  return {
    wrong: 'stands outside a setting, where the value could become one',
    next: 'write it after NAME= of a unit file',
  };
}

/** The line so far, with the lines that a backslash joins to it. */
function findUnitLine(before: string): string {
  const lines = before.split('\n');
  let line = lines.pop()!;
  for (let above = lines.pop(); above?.endsWith('\\'); above = lines.pop()) line = `${above.slice(0, -1)} ${line}`;
  return line;
}
