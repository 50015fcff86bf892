// Colour, only where the caller says so: no rendering asks what stream it is going to.
import { styleText } from 'node:util';

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim';
export type Paint = (style: Style, text: string) => string;

export function createPaint(color: boolean): Paint {
  return (style, text) => (color && text !== '' ? styleText(style, text, { validateStream: false }) : text);
}
