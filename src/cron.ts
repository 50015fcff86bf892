// Cron expressions as Kubernetes reads them, which is less than what other crons do.
import { createRequire } from 'node:module';

const FIELDS = ['minute', 'hour', 'day of the month', 'month', 'day of the week'];
/** What Kubernetes' parser knows; others also take L, W, # and ?. */
const FIELD =
  /^(\*|\d+|[A-Za-z]{3})(-(\d+|[A-Za-z]{3}))?(\/\d+)?(,(\*|\d+|[A-Za-z]{3})(-(\d+|[A-Za-z]{3}))?(\/\d+)?)*$/;
/** How far ahead a next time is looked for: 29 February can be eight years away. */
const HORIZON_YEARS = 9;

/**
 * Why `text` is no schedule that a CronJob takes, as the end of "etcd_snapshot_schedule is …"; undefined: it is one.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
 */
export function explainCron(text: string): string | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length || text.trim() === '') {
    return `no cron expression of five fields (${FIELDS.join(', ')}): it has ${text.trim() === '' ? 0 : fields.length}`;
  }
  const bad = fields.findIndex((field) => !FIELD.test(field));
  if (bad >= 0) return `no cron expression: ${JSON.stringify(fields[bad])} is no ${FIELDS[bad]}`;
  if (/(^|[,-])0*[7-9](?!\d)/.test(fields[4]!))
    return 'no schedule of Kubernetes: its days of the week are 0 (Sunday) to 6';
  try {
    if (nextRuns(text, 1, new Date()).length === 0) return 'a time that never comes';
  } catch (error) {
    return `no cron expression: ${String(error instanceof Error ? error.message : error).replace(/^CronPattern: /, '')}`;
  }
  return undefined;
}

/** The next `count` times after `from`; fewer where there are no more. Throws on what {@link explainCron} explains. */
export function nextRuns(text: string, count: number, from: Date): Date[] {
  // Loaded when the first one is wanted, and without await, so that checking stays a plain function.
  const { Cron } = createRequire(import.meta.url)('croner') as typeof import('croner');
  const stopAt = new Date(from);
  stopAt.setUTCFullYear(stopAt.getUTCFullYear() + HORIZON_YEARS);
  return new Cron(text.trim(), {
    // UTC, as timezone: 'UTC' is; but that one loads the tables of all time zones.
    utcOffset: 0,
    mode: '5-part',
    stopAt,
    paused: true,
  }).nextRuns(count, from);
}
