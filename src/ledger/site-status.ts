import { sql } from 'kysely';
import type { BackfillProgress } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { CANARY, canaryStatus, type CanaryRow, type CanaryStatus } from './canaries.ts';
import { IMAGE_COUNTS } from './image-counts.ts';
import { COUNTED, LEFT_OUT, VERIFIED, WAIVED } from './images.ts';
import { asked, NOW_MS, type Db, type Ledger } from './ledger.ts';
import { MISSED_EVENTS, type MissedEvents } from './missed-events.ts';
import type { Regression } from './regressions.ts';
import { RECOVERY_POINTS } from './recovery-point.ts';
import { UNASKED, WORKER_MS } from './workers.ts';

/** How far a site is. `total` = `synced` + `failed` + `pending`; `verified` is part of `synced`; `held`, `foreign` and `excluded` are apart. */
export interface SiteStatus {
  readonly name: string;
  readonly ready: boolean;
  /** The first thing that is not as it should be; absent (null) when ready. */
  readonly reason: string | null;
  readonly total: number;
  readonly synced: number;
  readonly verified: number;
  readonly failed: number;
  readonly pending: number;
  /** Images that are not verified and left out of lag and recovery point by name; they are counted as failed or pending all the same. */
  readonly waived: number;
  /** Deletions that wait for a person. */
  readonly held: number;
  /** Tags that the primary moved back to what they held before, or that a person set back, and that wait for a person. */
  readonly heldMoves: number;
  /** The primary lacks what was verified from it; null while it does not. Unless approved, nothing is overwritten or deleted. */
  readonly regressed: Regression | null;
  /** Tags at the secondary that are neither the primary's nor ours. */
  readonly foreign: number;
  /** Tags that the filters leave out, and repositories that they leave out whole. */
  readonly excluded: number;
  /** Since the oldest change that is known and not verified; null before the first backfill has ended. */
  readonly lagSeconds: number | null;
  /** ISO 8601: whatever tag the primary held then, unless since replaced or deleted there, was read back here; null while nothing is proved. */
  readonly recoveryPoint: string | null;
  readonly recoveryPointSeconds: number | null;
  /** ISO 8601. */
  readonly oldestVerification: string | null;
  /** Changes that a scan found and no event announced, by source and action. */
  readonly missedEvents: readonly MissedEvents[];
  /** Whether events of the primary come at all, and how fast; null where no canary is pushed. The same for all sites. */
  readonly canary: CanaryStatus | null;
  /** The event that was last received, of whatever repository; null while there was none. The same for all sites. */
  readonly lastEvent: { readonly source: string; readonly at: string } | null;
  readonly backfill: BackfillStatus;
  /** How many are there: seen within the last seconds. */
  readonly workers: number;
  /** Temporal has not answered for so long that nothing is known of workers. */
  readonly temporalAway: boolean;
  readonly paused: boolean;
}

/** The present or latest backfill: how many repositories are done, of those found so far. */
export interface BackfillStatus {
  readonly state: BackfillProgress['state'] | 'none';
  readonly done: number;
  readonly total: number;
  /** ISO 8601. */
  readonly startedAt: string | null;
  /** At the pace since its start, for all repositories that are known by now; null while it does not run, or nothing is done. */
  readonly remainingSeconds: number | null;
}

interface StatusRow {
  readonly name: string;
  readonly paused: boolean;
  readonly backfill: BackfillProgress | null;
  readonly scanned: boolean;
  readonly total: number;
  readonly synced: number;
  readonly verified: number;
  readonly failed: number;
  readonly pending: number;
  readonly waived: number;
  readonly oldestChange: number | null;
  readonly oldestVerification: number | null;
  readonly point: number | null;
  readonly held: number;
  readonly heldMoves: number;
  readonly regressed: (Omit<Regression, 'since'> & { readonly since: number }) | null;
  readonly foreign: number;
  readonly excluded: number;
  readonly unscanned: number;
  /** Repositories in scope, as far as they are known. */
  readonly known: number;
  readonly lastEvent: { readonly source: string; readonly at: number } | null;
  readonly workers: number;
  readonly temporalAway: boolean;
  readonly missed: readonly (Omit<MissedEvents, 'lastAt'> & { readonly lastAt: number })[];
  readonly canary: CanaryRow | null;
  readonly now: number;
}

/**
 * How far sites are: those named, known to the ledger or not, or all that it knows.
 * @throws {TwinportError} LEDGER
 */
export async function siteStatus(ledger: Ledger, names?: readonly string[]): Promise<SiteStatus[]> {
  const rows = await asked(async () => readStatus(ledger.db, names ?? (await knownSites(ledger.db))));
  return rows.map(statusOf);
}

async function knownSites(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('sites').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}

async function readStatus(db: Db, names: readonly string[]): Promise<StatusRow[]> {
  const { rows } = await sql<StatusRow>`
    select n.name, coalesce(s.paused, false) as paused, s.backfill,
      s.catalog_at is not null and s.backfilled_at is not null as scanned,
      i.*, v.waived, o."oldestChange", q."oldestVerification", e."lastEvent", p.point, d.held, m."heldMoves", g.regressed, r.foreign, r.excluded + coalesce(s.catalog_excluded, 0) as excluded, r.unscanned, r.known, w.workers, ${UNASKED} as "temporalAway", ${MISSED_EVENTS} as missed, ${CANARY} as canary, ${NOW_MS} as now
    from unnest(${names}::text[]) with ordinality as n(name, position)
    left join sites s on s.name = n.name
    left join ${RECOVERY_POINTS} p on p.site = n.name
    cross join lateral ${IMAGE_COUNTS} i
    cross join lateral (
      select count(*) as waived from images
      where (site, repository, tag) in (select site, repository, tag from waivers where site = n.name) and ${LEFT_OUT}) v
    left join lateral (
      select changed_at as "oldestChange" from images where site = n.name and changed_at is not null and ${COUNTED} and not ${WAIVED}
      order by changed_at limit 1) o on true
    left join lateral (
      select verified_at as "oldestVerification" from images where site = n.name and ${COUNTED} and ${VERIFIED}
      order by verified_at limit 1) q on true
    left join lateral (select json_build_object('source', source, 'at', received_at) as "lastEvent" from events order by id desc limit 1) e on true
    cross join lateral (
      select count(*) as held from deletions where site = n.name and state = 'held' and coalesce(expires_at > ${NOW_MS}, true)) d
    cross join lateral (
      select count(*) as "heldMoves" from moves where site = n.name and state = 'held' and coalesce(expires_at > ${NOW_MS}, true)) m
    left join lateral (
      select json_build_object('state', state, 'since', since, 'sampled', sampled, 'missing', missing) as regressed
      from regressions where site = n.name) g on true
    cross join lateral (
      select coalesce(sum(foreign_tags), 0)::bigint as foreign, coalesce(sum(excluded), 0)::bigint as excluded,
        count(*) filter (where completed_scan_at is null) as unscanned, count(*) as known
      from repositories where site = n.name and not out_of_scope) r
    cross join lateral (
      select count(*) as workers from workers where site = n.name and last_poll > ${NOW_MS} - ${WORKER_MS}::bigint) w
    order by n.position`.execute(db);
  return rows;
}

function statusOf(row: StatusRow): SiteStatus {
  const { name, total, synced, verified, failed, pending, waived, held, foreign, excluded, workers, paused, backfill, now } = row;
  const reason = notReady(row);
  const lag = row.oldestChange === null ? 0 : Math.max(0, Math.round((now - row.oldestChange) / 1000));
  return {
    name,
    ready: reason === null,
    reason,
    total,
    synced,
    verified,
    failed,
    pending,
    waived,
    held,
    heldMoves: row.heldMoves,
    regressed: row.regressed && { ...row.regressed, since: new Date(row.regressed.since).toISOString() },
    foreign,
    excluded,
    lagSeconds: row.scanned ? lag : null,
    recoveryPoint: row.point === null ? null : new Date(row.point).toISOString(),
    recoveryPointSeconds: row.point === null ? null : Math.max(0, Math.round((now - row.point) / 1000)),
    oldestVerification: row.oldestVerification === null ? null : new Date(row.oldestVerification).toISOString(),
    missedEvents: row.missed.map((one) => ({ ...one, lastAt: new Date(one.lastAt).toISOString() })),
    canary: row.canary && canaryStatus(row.canary, now),
    lastEvent: row.lastEvent && { ...row.lastEvent, at: new Date(row.lastEvent.at).toISOString() },
    backfill: backfillStatus(backfill, row.known, now),
    workers,
    temporalAway: row.temporalAway,
    paused,
  };
}

function backfillStatus(backfill: BackfillProgress | null, known: number, now: number): BackfillStatus {
  const { state = 'none', done = 0, total = 0, startedAt } = backfill ?? {};
  const pace = startedAt === undefined || done === 0 ? undefined : (now - startedAt) / done;
  const left = Math.max(0, Math.max(total, known) - done);
  return {
    ...{ state, done, total, startedAt: startedAt === undefined ? null : new Date(startedAt).toISOString() },
    remainingSeconds: state === 'running' && pace !== undefined ? Math.max(0, Math.round((pace * left) / 1000)) : null,
  };
}

function notReady(row: StatusRow): string | null {
  const unread = row.backfill?.state === 'running' ? 0 : (row.backfill?.failures.length ?? 0);
  if (!row.scanned) return 'no scan has completed yet';
  if (row.regressed && row.regressed.state !== 'approved') {
    const { missing, sampled } = row.regressed;
    return `held: primary regressed (it lacks ${missing} of ${sampled} digests that were verified)`;
  }
  if (unread > 0) return `${unread} ${unread === 1 ? 'repository' : 'repositories'} could not be scanned`;
  if (row.unscanned > 0)
    return `${row.unscanned} ${row.unscanned === 1 ? 'repository has' : 'repositories have'} not been scanned whole yet`;
  if (row.heldMoves > 0) return `${count(row.heldMoves, 'move')} ${row.heldMoves === 1 ? 'is' : 'are'} held`;
  if (row.failed > 0) return `${count(row.failed, 'image')} failed${row.waived > 0 ? ` (${row.waived} waived)` : ''}`;
  if (row.pending > 0) return `${count(row.pending, 'image')} ${row.pending === 1 ? 'is' : 'are'} pending`;
  // Published, but what was read back was something else.
  const unverified = row.synced - row.verified;
  if (unverified > 0) return `${count(unverified, 'image')} ${unverified === 1 ? 'is' : 'are'} not verified`;
  if (row.workers === 0)
    return row.temporalAway ? 'Temporal does not answer, so nobody can tell whether a worker polls' : 'no worker polls';
  return row.paused ? 'paused' : null;
}
