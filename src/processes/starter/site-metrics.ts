import { Gauge } from 'prom-client';
import { inboxDepth } from '../../ledger/inbox.ts';
import { siteStatus } from '../../ledger/site-status.ts';
import type { CanaryStatus } from '../../ledger/canaries.ts';
import { failureOf } from '../../model/failure.ts';
import { metrics } from '../../telemetry/index.ts';
import type { ControlParts } from './parts.ts';

const images = new Gauge({
  name: 'twinport_images',
  help: 'Images of a site, by state',
  labelNames: ['site', 'state'],
  registers: [metrics],
});
const ready = new Gauge({ name: 'twinport_site_ready', help: '1 if the site is ready', labelNames: ['site'], registers: [metrics] });
const lag = new Gauge({
  name: 'twinport_lag_seconds',
  help: 'Age of the oldest known change that is not verified',
  labelNames: ['site'],
  registers: [metrics],
});
const recoveryPoint = new Gauge({
  name: 'twinport_recovery_point_seconds',
  help: 'Age of the proven recovery point: what the primary held then was read back at the site; no value while nothing is proved',
  labelNames: ['site'],
  registers: [metrics],
});
const missedEvents = new Gauge({
  name: 'twinport_missed_events',
  help: 'Changes at the primary that a scan found and no event announced, since the site is known',
  labelNames: ['site', 'source', 'action'],
  registers: [metrics],
});
const canarySeconds = new Gauge({
  name: 'twinport_canary_seconds',
  help: 'From the last push of the canary to the receipt of its event; no value while it has not come',
  registers: [metrics],
});
const canaries = new Gauge({
  name: 'twinport_canaries',
  help: 'Pushes of the canary in the last 24 hours, by what became of their events',
  labelNames: ['result'],
  registers: [metrics],
});
const workers = new Gauge({ name: 'twinport_workers', help: 'Workers of a site that poll', labelNames: ['site'], registers: [metrics] });
const inbox = new Gauge({ name: 'twinport_inbox_events', help: 'Events that wait for Temporal', registers: [metrics] });

const STATES = ['total', 'synced', 'verified', 'failed', 'pending', 'waived', 'held', 'foreign', 'excluded'] as const;

/** Brings the sites' gauges up to date, when they are asked for; without the ledger they are left out rather than old. */
export async function refreshSiteMetrics(parts: ControlParts): Promise<void> {
  try {
    const names = parts.sites.map(({ name }) => name);
    const [statuses, depth] = await Promise.all([siteStatus(parts.ledger, names), inboxDepth(parts.ledger)]);
    inbox.set(depth);
    showCanary(statuses[0]?.canary ?? null);
    for (const status of statuses) {
      const { name: site } = status;
      for (const state of STATES) images.set({ site, state }, status[state]);
      ready.set({ site }, status.ready ? 1 : 0);
      lag.set({ site }, status.lagSeconds ?? 0);
      workers.set({ site }, status.workers);
      for (const { source, action, missed } of status.missedEvents) missedEvents.set({ site, source, action }, missed);
      if (status.recoveryPointSeconds === null) recoveryPoint.remove({ site });
      else recoveryPoint.set({ site }, status.recoveryPointSeconds);
    }
  } catch (error) {
    for (const gauge of [images, ready, lag, recoveryPoint, missedEvents, canarySeconds, canaries, workers, inbox]) gauge.reset();
    parts.logger.warn({ failure: failureOf(error) }, 'the ledger gave no counts for /metrics');
  }
}

/** It is of the primary, and stands with every site. */
function showCanary(canary: CanaryStatus | null): void {
  canarySeconds.remove();
  canaries.reset();
  if (!canary) return;
  if (canary.seconds !== null) canarySeconds.set(canary.seconds);
  for (const result of ['received', 'missed', 'failed'] as const) canaries.set({ result }, canary[result]);
}
