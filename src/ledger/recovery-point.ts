import { sql } from 'kysely';
import { COUNTED, VERIFIED, WAIVED } from './images.ts';
import type { Db } from './ledger.ts';

/*
 * The recovery point of a site, docs/design.md#recovery-point: whatever tag the primary held at that moment, unless it was replaced or deleted there
 * since, had its content read back at the site at least once. All moments are Temporal's.
 *
 * A repository's scan that began at `a` and whose last page was recorded at `e` is closed once no image of the repository is unverified since `e` or
 * earlier: a tag that it listed was then verified at the digest that it listed, or read again later as something else that was verified, or is gone.
 * A scan that was closed once stays so.
 */

/** Complete listings of the catalog that are looked at; a later one is nearly always the better. */
const LISTINGS = 20;

/** Images that stand against a scan: counted, not verified, and not waived by name. */
const OPEN = sql`${COUNTED} and not ${VERIFIED} and not ${WAIVED}`;

/** Whoever closes scans and whoever gives or takes a waiver go one after the other: else a scan may close by a waiver that is just being taken back. */
const waiversOf = (site: string) => sql`hashtext('twinport waivers'), hashtext(${site})`;

/** Waits until no scan is being closed, and keeps others from it until the transaction's end. */
export async function lockWaivers(trx: Db, site: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${waiversOf(site)})`.execute(trx);
}

/** Keeps the latest closed scan of each of these repositories: after each record that may have closed one. */
export async function closeScans(trx: Db, site: string, repositories: readonly string[]): Promise<void> {
  if (repositories.length === 0) return;
  await sql`select pg_advisory_xact_lock_shared(${waiversOf(site)})`.execute(trx);
  await sql`
    update repositories r set closed_scan_at = c.started_at
    from (
      select n.repository, s.started_at from unnest(${[...new Set(repositories)].sort()}::text[]) as n(repository)
      cross join lateral (
        select min(coalesce(changed_at, look)) as since from images
        where site = ${site} and images.repository = n.repository and ${OPEN}) o
      cross join lateral (
        select max(started_at) as started_at from scans
        where site = ${site} and scans.repository = n.repository and complete and (o.since is null or finished_at < o.since)) s
    ) c
    where r.site = ${site} and r.repository = c.repository and c.started_at > coalesce(r.closed_scan_at, -1)`.execute(trx);
}

/**
 * Takes back what was proved while an image was waived that has not been verified since `since`: of its repository the latest scan stays closed that had
 * ended before, and the site's point is no later than that.
 */
export async function reopenScans(trx: Db, site: string, repository: string, since: number): Promise<void> {
  const closed = sql`(
    select max(started_at) from scans
    where site = ${site} and scans.repository = ${repository} and complete and finished_at < ${since}::bigint)`;
  await sql`
    update repositories set closed_scan_at = case when ${closed} is null then null else least(closed_scan_at, ${closed}) end
    where site = ${site} and repository = ${repository} and closed_scan_at is not null`.execute(trx);
  await sql`
    update sites set recovery_point = case when ${closed} is null then null else least(recovery_point, ${closed}) end
    where name = ${site} and recovery_point is not null`.execute(trx);
}

/**
 * The recovery points of all sites: rows `{site, point}`. Each is the best over the complete listings of the primary's catalog: the moment at which the
 * listing began, or, where that is earlier, the one at which the oldest of its repositories' latest closed scans began. A repository that a listing
 * left out stays in it while images of it are counted, be it that an event alone told of them: half a catalog proves nothing of the other half, and an
 * empty one nothing at all.
 */
export const RECOVERY_POINTS = sql`(
  select s.name as site, greatest(max(p.point), s.recovery_point) as point
  from sites s left join lateral (
    with known as materialized (
      select l.repository, first_listed_at, last_listed_at, coalesce(r.closed_scan_at, -1) as closed_at
      from listed_repositories l left join repositories r on r.site = l.site and r.repository = l.repository
      where l.site = s.name and r.out_of_scope is not true)
    select least(c.started_at, o.closed_at) as point
    from (
      select started_at from scans where site = s.name and repository is null and complete order by started_at desc limit ${LISTINGS}::int) c
    cross join lateral (
      select min(closed_at) as closed_at from known
      where first_listed_at <= c.started_at and (last_listed_at >= c.started_at or exists (
        select 1 from images where site = s.name and images.repository = known.repository and ${COUNTED}))) o
    where o.closed_at is not null
  ) p on p.point >= 0
  group by s.name)`;

/** Keeps each site's recovery point before the scans that prove it go. */
export async function keepRecoveryPoints(db: Db): Promise<void> {
  await sql`update sites set recovery_point = p.point from ${RECOVERY_POINTS} p where p.site = name and p.point > coalesce(recovery_point, -1)`.execute(
    db,
  );
}
