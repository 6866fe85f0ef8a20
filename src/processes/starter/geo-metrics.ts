import type { Gauge } from 'prom-client';
import type { SiteStatus } from '../../ledger/site-status.ts';
import { gauge } from '../../telemetry/index.ts';

/*
 * The gauges of GitLab Geo for its container registry, so that dashboards and alerts made for it go on working: label `name` is the site, `url` its registry. Geo counts
 * repositories, Twinport images (tags): a repository of which one tag fails is not wholly failed here.
 * https://docs.gitlab.com/administration/monitoring/prometheus/gitlab_metrics/
 */

const geo = (name: string, help: string) => gauge(`geo_container_repositories${name}`, help, ['name', 'url']);

const GAUGES: readonly (readonly [Gauge<'name' | 'url'>, (status: SiteStatus) => number])[] = [
  [geo('', 'Images at the primary (Geo: container repositories)'), ({ total }) => total],
  [geo('_registry', 'Images that the ledger knows'), ({ total }) => total],
  [geo('_synced', 'Images synced'), ({ synced }) => synced],
  [geo('_failed', 'Images that failed to sync'), ({ failed }) => failed],
  [geo('_checksum_total', 'Images whose digest the primary tells'), ({ total }) => total],
  [geo('_checksummed', 'Images whose digest the primary tells: the same, for a tag is known by its digest'), ({ total }) => total],
  [geo('_verification_total', 'Images to be verified'), ({ synced }) => synced],
  [geo('_verified', 'Images verified'), ({ verified }) => verified],
  [geo('_verification_failed', 'Images synced and not verified'), ({ synced, verified }) => synced - verified],
  [geo('_replication_enabled', '1 unless the site is paused'), ({ paused }) => (paused ? 0 : 1)],
];

/** Shows sites under Geo's names; whatever site is not among these has no values any more. @param urlOf a site's registry */
export function showGeoNames(statuses: readonly SiteStatus[], urlOf: (site: string) => string): void {
  for (const [gauge, valueOf] of GAUGES) {
    gauge.reset();
    for (const status of statuses) gauge.set({ name: status.name, url: urlOf(status.name) }, valueOf(status));
  }
}
