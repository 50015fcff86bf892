// A table in columns, for as many columns as the terminal has: what matters least goes first.
import type { Paint, Style } from './paint.ts';

export interface Column {
  title: string;
  /** Figures stand to the right. */
  right?: true;
  /** Left out of a narrow terminal, the lowest first; absent: always there. */
  keep?: number;
}

export interface Cell {
  text: string;
  style?: Style;
}

const GAP = '  ';

/** Lines without a newline; nothing is cut off, so a table may still be wider than `width`. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly Cell[][],
  width: number,
  paint: Paint,
): string[] {
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...rows.map((row) => row[at]!.text.length)));
  const shown = chooseColumns(columns, widths, width);
  const line = (cells: readonly Cell[]) =>
    shown
      .map((at) => {
        const { text, style } = cells[at]!;
        const padded = columns[at]!.right ? text.padStart(widths[at]!) : text.padEnd(widths[at]!);
        return style ? padded.replace(text, () => paint(style, text)) : padded;
      })
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title, style: 'dim' }))), ...rows.map(line)];
}

function chooseColumns(columns: readonly Column[], widths: readonly number[], width: number): number[] {
  let shown = columns.map((_column, at) => at);
  const total = () => shown.reduce((sum, at) => sum + widths[at]! + GAP.length, -GAP.length);
  while (total() > width) {
    const [least] = shown
      .filter((at) => columns[at]!.keep !== undefined)
      .toSorted((a, b) => columns[a]!.keep! - columns[b]!.keep!);
    if (least === undefined) break;
    shown = shown.filter((at) => at !== least);
  }
  return shown;
}

/** Breaks at spaces; a word longer than the width stays whole. The first line begins with `first`, the others with `rest`. */
export function wrap(text: string, width: number, first: string, rest = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
