// Text from hosts, pillar and files, made safe to show: a terminal obeys control characters, and people trust what they see.

// Controls (C0, DEL, C1, ESC among them), formats (bidi overrides, zero width), line separators, lone surrogates, all
// that Unicode lets a terminal leave invisible, and spaces that only look like one. Source: Unicode TR36 and TR39.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

const SHORT: { readonly [character: string]: string } = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Makes what could steer a terminal, reorder text or hide in it visible: `\x1b`, `\r`, `\u{202e}`. Newlines and tabs
 * stay only with `multiline`. What needs no escape comes back as it is.
 */
export function escapeForTerminal(text: string, options: { multiline?: boolean } = {}): string {
  return text.replace(UNSAFE, (character) => {
    if (options.multiline && (character === '\n' || character === '\t')) return character;
    return SHORT[character] ?? escapeCodePoint(character.codePointAt(0)!);
  });
}

function escapeCodePoint(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** JSON on one line (or indented), the same data for every reader, with nothing in it that a terminal would obey or hide. */
export function stringifyVisibly(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, (character) => {
    if (indent !== undefined && character === '\n') return character;
    return character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}
