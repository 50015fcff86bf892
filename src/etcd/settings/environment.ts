// Environment files as systemd.exec(5) reads them: their variables, and one of them changed with the rest as it was.

export interface Variable {
  name: string;
  value: string;
  /** Offsets of the whole line, its line end left out. */
  start: number;
  end: number;
  quoted: boolean;
}

/** In the order of the file; where a name comes twice the last one counts. */
export function readEnvironment(text: string): Variable[] {
  const variables: Variable[] = [];
  const line = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=((?:\\\n|"(?:\\[\s\S]|[^"\\])*"|'[^']*'|[^\n])*)$/gm;
  for (const match of text.matchAll(line)) {
    const [whole, name, raw] = match;
    if (/^[ \t]*[#;]/.test(whole)) continue;
    const value = raw!.trim();
    variables.push({
      name: name!,
      value: unquote(value),
      start: match.index,
      end: match.index + whole.length,
      quoted: /^["']/.test(value),
    });
  }
  return variables;
}

function unquote(raw: string): string {
  return raw.replaceAll(/"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|\\([\s\S])/g, (_found, double, single, escaped) => {
    if (single !== undefined) return single;
    if (escaped !== undefined) return escaped === '\n' ? '' : escaped;
    return String(double).replaceAll(/\\(["\\`$\n])/g, (_pair, letter) => (letter === '\n' ? '' : letter));
  });
}

/** The file with these variables: a value in place of the last one of its name, null takes all of them away, and what is new stands at the end. */
export function editEnvironment(text: string, changes: ReadonlyMap<string, string | null>): string {
  let edited = text;
  for (const [name, value] of changes) {
    const found = readEnvironment(edited).filter((variable) => variable.name === name);
    const last = found.at(-1);
    if (value === null) {
      for (const { start, end } of found.toReversed()) edited = edited.slice(0, start) + edited.slice(end + 1);
    } else if (last) {
      edited = `${edited.slice(0, last.start)}${assign(name, value, last.quoted)}${edited.slice(last.end)}`;
    } else {
      edited = `${edited === '' || edited.endsWith('\n') ? edited : `${edited}\n`}${assign(name, value, false)}\n`;
    }
  }
  return edited;
}

function assign(name: string, value: string, quoted: boolean): string {
  if (!quoted && /^[A-Za-z0-9_./:,=@+%[\]-]*$/.test(value)) return `${name}=${value}`;
  return `${name}="${value.replaceAll(/["\\$`]/g, '\\$&')}"`;
}
