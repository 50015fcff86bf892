import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutSecrets } from '../../../src/engine/redact.ts';
import { MASK, Sensitive } from '../../../src/sensitive.ts';

const LINES = new Sensitive('first line\n  second line\nab\n');

it.each([
  ['whole', 'it said first line\n  second line\nab\n!', `it said ${MASK}!`],
  ['without its line end', 'first line\n  second line\nab.', `${MASK}.`],
  ['line by line', '> second line <', `> ${MASK} <`],
  ['as base64', `x ${Buffer.from('second line').toString('base64')}`, `x ${MASK}`],
  ['but not a line of two letters, which may stand anywhere', 'the abbot', 'the abbot'],
])('a secret is masked %s', (_form, text, shown) => {
  expect(withoutSecrets(text, { stdin: LINES })).toBe(shown);
});

it('of what is secret as a whole every text is masked, and nothing of what is not', () => {
  const given = { users: [{ name: 'root', auth: new Sensitive({ password: 'hunter2', pins: [123456] }) }] };
  expect(withoutSecrets('root hunter2 123456 password', given)).toBe(`root ${MASK} ${MASK} password`);
});

it('no secret survives, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!MASK.includes(secret));
      const shown = withoutSecrets(`${before}${secret}${after}`, [new Sensitive(secret)]);
      // The mask itself may complete one: only what stood there counts.
      expect(shown.split(MASK).some((part) => part.includes(secret))).toBe(false);
    }),
  );
});

it('a secret file is masked as the text that it is, not byte by byte', () => {
  const key = new Sensitive(new TextEncoder().encode('-----BEGIN-----\nMHcCAQEE\n'));
  expect(withoutSecrets('4 of 72: MHcCAQEE', { content: key })).toBe(`4 of 72: ${MASK}`);
});
