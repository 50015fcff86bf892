// Names and values that would do harm if any shell, template or format took them for something else.

export const HOSTILE_NAMES = [
  'two words',
  ' leading and trailing ',
  `it's "quoted"`,
  'line\nbreak',
  'ends with a newline\n',
  'tab\tand \\backslash\\n',
  '$(touch canary)',
  '`touch canary`',
  '; touch canary; #',
  '-rf',
  '*',
  '[a]?{b}',
  '~root',
  'größe-数据-🦊',
  '%s%n\u001b[31m\u0007',
  '{{pillar.x}}',
];

export const HOSTILE_VALUES = [
  ...HOSTILE_NAMES,
  '',
  '\n',
  'no newline at the end',
  '\u0001\u007f\r\n',
  'ü'.repeat(32 * 1024),
];
