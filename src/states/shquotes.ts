// Where in a shell text a single-quoted word would not be one.

type Open =
  | 'inside double quotes'
  | 'inside single quotes'
  | 'inside backquotes'
  | 'in a comment'
  | 'in a here-document';

/** What is still open at the end of `text`, the beginning of a shell script; undefined where a word may stand. */
export function findOpenQuote(text: string): Open | undefined {
  // What encloses the current character, innermost last: `"` quotes, `(` for $( and ( and nothing at the top.
  const around: ('"' | '(')[] = [];
  const documents: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    const quoted = around.at(-1) === '"';
    if (letter === '\\') at++;
    else if (letter === '`') {
      const end = text.indexOf('`', at + 1);
      if (end < 0) return 'inside backquotes';
      at = end;
    } else if (letter === '"') {
      if (quoted) around.pop();
      else around.push('"');
    } else if (letter === '(' && (!quoted || text[at - 1] === '$')) around.push('(');
    else if (letter === ')' && around.at(-1) === '(') around.pop();
    else if (quoted) continue;
    else if (letter === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return 'inside single quotes';
      at = end;
    } else if (letter === '#' && /(^|[\s;&|(])$/.test(text.slice(Math.max(at - 1, 0), at))) {
      const end = text.indexOf('\n', at);
      if (end < 0) return 'in a comment';
      at = end - 1;
    } else if (letter === '<') {
      const document = /^<<-?[ \t]*\\?(["']?)([A-Za-z_]\w*)\1/.exec(text.slice(at, at + 100));
      if (document === null) continue;
      documents.push(document[2]!);
      at += document[0].length - 1;
    } else if (letter === '\n' && documents.length > 0) {
      const end = new RegExp(`\n\t*${documents.shift()!}(?=\n)`).exec(text.slice(at));
      if (end === null) return 'in a here-document';
      at += end.index + end[0].length - 1;
    }
  }
  return around.includes('"') && around.at(-1) === '"' ? 'inside double quotes' : undefined;
}
