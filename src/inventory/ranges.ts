// Host ranges such as m[1:3], m[01:10:2] and m[a:c], as Ansible expands them.
// https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html#adding-ranges-of-hosts

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const MAX_HOSTS = 10_000;

/** All names that `pattern` stands for; a string says why it is no range. Several ranges in one name multiply. */
export function expandRange(pattern: string): string[] | { wrong: string } {
  const open = pattern.indexOf('[');
  const close = pattern.indexOf(']', open);
  if (open < 0 && !pattern.includes(']')) return [pattern];
  if (open < 0 || close < 0) return { wrong: 'its bracket is not closed' };
  const steps = listSteps(pattern.slice(open + 1, close));
  if (!Array.isArray(steps)) return steps;
  const tails = expandRange(pattern.slice(close + 1));
  if (!Array.isArray(tails)) return tails;
  if (steps.length * tails.length > MAX_HOSTS) return { wrong: `it stands for more than ${MAX_HOSTS} hosts` };
  const head = pattern.slice(0, open);
  return steps.flatMap((step) => tails.map((tail) => `${head}${step}${tail}`));
}

function listSteps(range: string): string[] | { wrong: string } {
  const [from = '', to = '', by = '1', ...rest] = range.split(':');
  const step = Number(by);
  if (rest.length > 0 || !range.includes(':')) return { wrong: 'a range is [FIRST:LAST] or [FIRST:LAST:STEP]' };
  if (!/^\d+$/.test(by) || step < 1) return { wrong: 'the step must be a whole number from 1' };
  const first = from === '' ? '0' : from;
  if (/^[A-Za-z]$/.test(first) && /^[A-Za-z]$/.test(to)) {
    const numbers = listNumbers(LETTERS.indexOf(first), LETTERS.indexOf(to), step);
    return Array.isArray(numbers) ? numbers.map((number) => LETTERS[number]!) : numbers;
  }
  if (!/^\d+$/.test(first) || !/^\d+$/.test(to)) return { wrong: 'both ends must be numbers, or single letters' };
  const padded = first.length > 1 && first.startsWith('0');
  if (padded && first.length !== to.length) return { wrong: 'both ends must have the same number of digits' };
  const numbers = listNumbers(Number(first), Number(to), step);
  if (!Array.isArray(numbers)) return numbers;
  return numbers.map((number) => String(number).padStart(padded ? first.length : 1, '0'));
}

function listNumbers(first: number, last: number, step: number): number[] | { wrong: string } {
  if (first > last) return { wrong: 'its first end is behind its last' };
  const count = Math.floor((last - first) / step) + 1;
  if (count > MAX_HOSTS) return { wrong: `it stands for more than ${MAX_HOSTS} hosts` };
  return Array.from({ length: count }, (_, index) => first + index * step);
}
