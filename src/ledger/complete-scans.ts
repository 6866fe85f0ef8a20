import { sql, type RawBuilder } from 'kysely';
import { WAIVED } from './images.ts';
import type { Db } from './ledger.ts';

/**
 * Whether all pages of a scan came, and every tag on them could be read, or is waived: an aggregate over the rows of its `scan_pages`.
 * @param repository its name, or an expression of it
 */
export function isComplete(site: string, repository: string | RawBuilder<string>): RawBuilder<boolean> {
  return sql<boolean>`(bool_or(last) and bool_or(after_tag = '') and sum(failures - (
    select count(*) from images
    where site = ${site} and images.repository = ${repository} and tag = any(failed_tags) and ${WAIVED})) = 0)`;
}

/** Tells anew which of a repository's scans are complete, after a waiver was given or taken back. */
export async function completeScans(trx: Db, site: string, repository: string): Promise<void> {
  await sql`
    update scans s set complete = c.complete
    from (
      select scan, ${isComplete(site, repository)} as complete from scan_pages
      where scan in (select id from scans where site = ${site} and repository = ${repository})
      group by scan having bool_or(failures > 0)
    ) c
    where s.id = c.scan and s.complete <> c.complete`.execute(trx);
  await sql`
    update repositories r set complete = s.complete, completed_scan_at = greatest(r.completed_scan_at, (
      select max(started_at) from scans where site = ${site} and scans.repository = ${repository} and scans.complete))
    from scans s where r.site = ${site} and r.repository = ${repository} and s.id = r.last_scan`.execute(trx);
}
