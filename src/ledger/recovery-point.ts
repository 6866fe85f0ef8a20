import { sql } from 'kysely';
import { COUNTED, VERIFIED } from './images.ts';
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
const OPEN = sql`${COUNTED} and not ${VERIFIED} and not exists (
  select 1 from waivers w where w.site = images.site and w.repository = images.repository and w.tag = images.tag)`;

/** Keeps the latest closed scan of each of these repositories: after each record that may have closed one. */
export async function closeScans(trx: Db, site: string, repositories: readonly string[]): Promise<void> {
  if (repositories.length === 0) return;
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
 * The recovery points of all sites: rows `{site, point}`. Each is the best over the complete listings of the primary's catalog: the moment at which the
 * listing began, or, where that is earlier, the one at which the oldest of its repositories' latest closed scans began. A repository that a listing
 * left out stays in it while images of it are counted: half a catalog proves nothing of the other half, and an empty one nothing at all.
 */
export const RECOVERY_POINTS = sql`(
  select s.name as site, greatest(max(p.point), s.recovery_point) as point
  from sites s left join lateral (
    select least(c.started_at, min(coalesce(r.closed_scan_at, -1))) as point
    from (
      select started_at from scans where site = s.name and repository is null and complete order by started_at desc limit ${LISTINGS}::int) c
    join listed_repositories l on l.site = s.name and l.first_listed_at <= c.started_at and (l.last_listed_at >= c.started_at or exists (
      select 1 from images where site = s.name and images.repository = l.repository and ${COUNTED}))
    left join repositories r on r.site = s.name and r.repository = l.repository
    where r.out_of_scope is not true
    group by c.started_at
  ) p on p.point >= 0
  group by s.name)`;

/** Keeps each site's recovery point before the scans that prove it go. */
export async function keepRecoveryPoints(db: Db): Promise<void> {
  await sql`update sites set recovery_point = p.point from ${RECOVERY_POINTS} p where p.site = name and p.point > coalesce(recovery_point, -1)`.execute(
    db,
  );
}
