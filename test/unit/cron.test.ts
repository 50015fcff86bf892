import { expect, test } from 'vitest';
import { explainCron, nextRuns } from '../../src/cron.ts';

test.each(['02 6 * * *', '*/10 * * * *', '0 0 1 JAN mon-fri', '0 0 29 2 *', '0,30 1-5/2 * * 0-6', ' 0 0 * * 6 '])(
  '%s is a schedule',
  (text) => {
    expect(explainCron(text)).toBeUndefined();
  },
);

test.each([
  ['', 'no cron expression of five fields (minute, hour, day of the month, month, day of the week): it has 0'],
  ['@daily', /: it has 1$/],
  ['0 0 2 6 * *', /: it has 6$/],
  ['61 * * * *', 'no cron expression: Invalid value for minute: 61'],
  ['0 0 L * *', 'no cron expression: "L" is no day of the month'],
  ['0 0 ? * *', 'no cron expression: "?" is no day of the month'],
  ['0 0 * * 5#2', 'no cron expression: "5#2" is no day of the week'],
  ['0 0 * * 7', 'no schedule of Kubernetes: its days of the week are 0 (Sunday) to 6'],
  ['0 0 * * 5-7', 'no schedule of Kubernetes: its days of the week are 0 (Sunday) to 6'],
  ['0 0 31 2 *', 'a time that never comes'],
  ['*/0 * * * *', /^no cron expression: /],
])('%j is none', (text, why) => {
  expect(explainCron(text)).toEqual(typeof why === 'string' ? why : expect.stringMatching(why));
});

test('its next times are in UTC, whatever the time zone here', () => {
  const times = nextRuns('02 6 * * *', 3, new Date('2026-03-28T07:00:00Z'));
  expect(times.map((time) => time.toISOString())).toEqual([
    '2026-03-29T06:02:00.000Z',
    '2026-03-30T06:02:00.000Z',
    '2026-03-31T06:02:00.000Z',
  ]);
});
