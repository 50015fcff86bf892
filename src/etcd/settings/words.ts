// Words of a line of a systemd unit, each with where it stands, so that one can be replaced and the rest left as it is.

export interface Word {
  /** As systemd hands it on. */
  text: string;
  /** Offsets in the whole text. */
  start: number;
  end: number;
  /** It is made of a variable or a specifier: what it is stands elsewhere. */
  dynamic: boolean;
}

const ESCAPES: { [letter: string]: string } = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
};

/**
 * Splits `text` from `start` to `end` as systemd.syntax(7) "Quoting" has it. A word that is nothing but `$NAME` becomes the
 * words of that variable; `variables` gives their values.
 */
export function splitWords(
  text: string,
  [start, end]: readonly [number, number],
  variables: ReadonlyMap<string, string>,
): Word[] {
  const words: Word[] = [];
  let at = start;
  while (at < end) {
    const blank = /^(\s|\\\n)/.exec(text.slice(at, end));
    if (blank) {
      at += blank[0].length;
      continue;
    }
    const begin = at;
    let word = '';
    let quote = '';
    while (at < end) {
      const letter = text[at]!;
      if (quote === '' && (/\s/.test(letter) || text.startsWith('\\\n', at))) break;
      at += 1;
      if (letter === quote) quote = '';
      else if (quote === '' && (letter === '"' || letter === "'")) quote = letter;
      else if (letter === '\\' && at < end) {
        const [code = '', hex] = /^(?:x([0-9A-Fa-f]{2})|[\s\S])/.exec(text.slice(at, end)) ?? [];
        word +=
          hex === undefined
            ? (ESCAPES[code] ?? (code === '\n' ? ' ' : code))
            : String.fromCharCode(Number.parseInt(hex, 16));
        at += code.length;
      } else word += letter;
    }
    words.push(...expand(word, variables).map((each) => ({ ...each, start: begin, end: at })));
  }
  return words;
}

function expand(word: string, variables: ReadonlyMap<string, string>): Pick<Word, 'text' | 'dynamic'>[] {
  const [, whole] = /^\$([A-Za-z_]\w*)$/.exec(word) ?? [];
  if (whole !== undefined) {
    const value = variables.get(whole)?.trim() ?? '';
    return value === '' ? [] : value.split(/\s+/).map((text) => ({ text, dynamic: true }));
  }
  let dynamic = false;
  const text = word.replaceAll(/\$\$|%%|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|%[A-Za-z]/g, (found, braced, bare) => {
    if (found === '$$') return '$';
    if (found === '%%') return '%';
    dynamic = true;
    return variables.get(braced ?? bare) ?? (found.startsWith('%') ? found : '');
  });
  return [{ text, dynamic }];
}

/** As one word, or a part of one, of an `ExecStart=` line. */
export function quoteWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[A-Za-z0-9_./:,=@+%$[\]-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
