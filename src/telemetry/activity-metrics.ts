import { Counter } from 'prom-client';
import { metrics } from './metrics.ts';

const attempts = new Counter({
  name: 'twinport_activity_attempts_total',
  help: 'Attempts of activities that ended, by how',
  labelNames: ['activity', 'outcome'],
  registers: [metrics],
});
const retries = new Counter({
  name: 'twinport_activity_retries_total',
  help: 'Attempts of activities after their first one',
  labelNames: ['activity'],
  registers: [metrics],
});

/** Counts an attempt of an activity that ended; the first has the number 1. */
export function countAttempt(activity: string, attempt: number, outcome: 'done' | 'failed' | 'cancelled'): void {
  attempts.inc({ activity, outcome });
  if (attempt > 1) retries.inc({ activity });
}
