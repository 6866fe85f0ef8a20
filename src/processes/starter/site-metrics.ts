import type { Gauge } from 'prom-client';
import { inboxDepth } from '../../ledger/inbox.ts';
import type { SiteStatus } from '../../ledger/site-status.ts';
import type { CanaryStatus } from '../../ledger/canaries.ts';
import { failureOf } from '../../model/failure.ts';
import { gauge } from '../../telemetry/index.ts';
import { showGeoNames } from './geo-metrics.ts';
import { statusOfSites, type ControlParts } from './parts.ts';

const images = gauge('twinport_images', 'Images of a site, by state', ['site', 'state']);
const ready = gauge('twinport_site_ready', '1 if the site is ready', ['site']);
const lag = gauge('twinport_lag_seconds', 'Age of the oldest known change that is not verified', ['site']);
const recoveryPoint = gauge(
  'twinport_recovery_point_seconds',
  'Age of the proven recovery point: what the primary held then was read back at the site; no value while nothing is proved',
  ['site'],
);
const missedEvents = gauge(
  'twinport_missed_events',
  'Changes at the primary that a scan found and no event announced, since the site is known',
  ['site', 'source', 'action'],
);
const canarySeconds = gauge(
  'twinport_canary_seconds',
  'From the last push of the canary to the receipt of its event; no value while it has not come',
);
const canaries = gauge('twinport_canaries', 'Pushes of the canary in the last 24 hours, by what became of their events', ['result']);
const workers = gauge('twinport_workers', 'Workers of a site that poll', ['site']);
const inbox = gauge('twinport_inbox_events', 'Events that wait for Temporal');

const heldMoves = gauge('twinport_held_moves', 'Tags that the primary moved back to what they held before, and that wait for a person', [
  'site',
]);
const regressed = gauge('twinport_primary_regressed', '1 while the site is held because the primary lacks what was verified from it', [
  'site',
]);
const paused = gauge('twinport_site_paused', '1 if the site is paused', ['site']);
const backfill = gauge('twinport_backfill_repositories', 'Repositories of the present or latest backfill: done, and total', [
  'site',
  'state',
]);
const oldestVerification = gauge(
  'twinport_oldest_verification_seconds',
  'Age of the oldest verification of an image; no value while nothing is verified',
  ['site'],
);

const OF_SITES = [
  ...[images, ready, lag, recoveryPoint, missedEvents, canarySeconds, canaries, workers, inbox],
  ...[heldMoves, regressed, paused, backfill, oldestVerification],
];

const STATES = ['total', 'synced', 'verified', 'failed', 'pending', 'waived', 'held', 'foreign', 'excluded'] as const;

/** Brings the sites' gauges up to date, when they are asked for; without the ledger they are left out rather than old. */
export async function refreshSiteMetrics(parts: ControlParts): Promise<void> {
  try {
    const [statuses, depth] = await Promise.all([statusOfSites(parts), inboxDepth(parts.ledger)]);
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
