import { Gauge } from 'prom-client';
import { inboxDepth } from '../../ledger/inbox.ts';
import { siteStatus, type SiteStatus } from '../../ledger/site-status.ts';
import type { CanaryStatus } from '../../ledger/canaries.ts';
import { failureOf } from '../../model/failure.ts';
import { metrics } from '../../telemetry/index.ts';
import { showGeoNames } from './geo-metrics.ts';
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

const heldMoves = new Gauge({
  name: 'twinport_held_moves',
  help: 'Tags that the primary moved back to what they held before, and that wait for a person',
  labelNames: ['site'],
  registers: [metrics],
});
const regressed = new Gauge({
  name: 'twinport_primary_regressed',
  help: '1 while the site is held because the primary lacks what was verified from it',
  labelNames: ['site'],
  registers: [metrics],
});
const paused = new Gauge({ name: 'twinport_site_paused', help: '1 if the site is paused', labelNames: ['site'], registers: [metrics] });
const backfill = new Gauge({
  name: 'twinport_backfill_repositories',
  help: 'Repositories of the present or latest backfill: done, and total',
  labelNames: ['site', 'state'],
  registers: [metrics],
});
const oldestVerification = new Gauge({
  name: 'twinport_oldest_verification_seconds',
  help: 'Age of the oldest verification of an image; no value while nothing is verified',
  labelNames: ['site'],
  registers: [metrics],
});

const OF_SITES = [
  ...[images, ready, lag, recoveryPoint, missedEvents, canarySeconds, canaries, workers, inbox],
  ...[heldMoves, regressed, paused, backfill, oldestVerification],
];

const STATES = ['total', 'synced', 'verified', 'failed', 'pending', 'waived', 'held', 'foreign', 'excluded'] as const;

/** Brings the sites' gauges up to date, when they are asked for; without the ledger they are left out rather than old. */
export async function refreshSiteMetrics(parts: ControlParts): Promise<void> {
  try {
    const names = parts.sites.map(({ name }) => name);
    const [statuses, depth] = await Promise.all([siteStatus(parts.ledger, names), inboxDepth(parts.ledger)]);
    inbox.set(depth);
    showCanary(statuses[0]?.canary ?? null);
    for (const status of statuses) showSite(status);
    showGeoNames(statuses, (site) => parts.sites.find(({ name }) => name === site)?.endpoint?.url ?? '');
  } catch (error) {
    for (const gauge of OF_SITES) gauge.reset();
    showGeoNames([], () => '');
    parts.logger.warn({ failure: failureOf(error) }, 'the ledger gave no counts for /metrics');
  }
}

function showSite(status: SiteStatus): void {
  const { name: site } = status;
  for (const state of STATES) images.set({ site, state }, status[state]);
  ready.set({ site }, status.ready ? 1 : 0);
  lag.set({ site }, status.lagSeconds ?? 0);
  workers.set({ site }, status.workers);
  heldMoves.set({ site }, status.heldMoves);
  regressed.set({ site }, status.regressed !== null && status.regressed.state !== 'approved' ? 1 : 0);
  paused.set({ site }, status.paused ? 1 : 0);
  for (const state of ['done', 'total'] as const) backfill.set({ site, state }, status.backfill[state]);
  for (const { source, action, missed } of status.missedEvents) missedEvents.set({ site, source, action }, missed);
  setOrRemove(recoveryPoint, site, status.recoveryPointSeconds);
  const { oldestVerification: oldest } = status;
  setOrRemove(oldestVerification, site, oldest === null ? null : Math.max(0, (Date.now() - Date.parse(oldest)) / 1000));
}

function setOrRemove(gauge: Gauge<'site'>, site: string, value: number | null): void {
  if (value === null) gauge.remove({ site });
  else gauge.set({ site }, value);
}

/** It is of the primary, and stands with every site. */
function showCanary(canary: CanaryStatus | null): void {
  canarySeconds.remove();
  canaries.reset();
  if (!canary) return;
  if (canary.seconds !== null) canarySeconds.set(canary.seconds);
  for (const result of ['received', 'missed', 'failed'] as const) canaries.set({ result }, canary[result]);
}
