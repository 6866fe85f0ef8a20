import { Counter, Histogram } from 'prom-client';
import type { Change } from '../../model/change.ts';
import { metrics } from '../../telemetry/index.ts';

const answers = new Counter({
  name: 'twinport_webhook_answers_total',
  help: 'Answers to senders of events',
  labelNames: ['status'],
  registers: [metrics],
});
const seconds = new Histogram({
  name: 'twinport_webhook_answer_seconds',
  help: 'Time until a sender of events was answered',
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  registers: [metrics],
});
const changes = new Counter({
  name: 'twinport_events_total',
  help: 'Events that name a change',
  labelNames: ['source', 'action'],
  registers: [metrics],
});
const ignored = new Counter({
  name: 'twinport_events_ignored_total',
  help: 'Events that say nothing of use',
  labelNames: ['source', 'reason'],
  registers: [metrics],
});
const outOfScope = new Counter({
  name: 'twinport_events_out_of_scope_total',
  help: 'Events of what no site replicates',
  labelNames: ['source'],
  registers: [metrics],
});

/** Counts an answer of the webhook, and how long it took. */
export function countAnswer(status: number, elapsedMs: number): void {
  answers.inc({ status });
  seconds.observe(elapsedMs / 1000);
}

/** Counts changes by what they say. */
export function countChanges(source: string, received: readonly Change[]): void {
  for (const { action } of received) changes.inc({ source, action });
}

/** Counts events that were passed over, by why. */
export function countIgnored(source: string, reasons: Readonly<Record<string, number>>): void {
  for (const [reason, n] of Object.entries(reasons)) ignored.inc({ source, reason }, n);
}

/** Counts changes of repositories that no site replicates. */
export function countOutOfScope(source: string, n: number): void {
  if (n > 0) outOfScope.inc({ source }, n);
}
