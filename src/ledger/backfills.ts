import { sql } from 'kysely';
import type { BackfillProgress, CatalogPage, CatalogScan } from '../model/steps.ts';
import { asked, NOW_MS, transact, type Ledger } from './ledger.ts';
import { siteColumns } from './sites.ts';

/** Keeps how far a site's backfill is, for the status. @throws {TwinportError} LEDGER */
export async function recordBackfill(ledger: Ledger, site: string, progress: BackfillProgress): Promise<void> {
  const done = progress.state === 'done' ? { backfilled_at: NOW_MS } : {};
  await asked(() => siteColumns(ledger.db, site, { backfill: JSON.stringify(progress), ...done }));
}

/** Records which repositories a page of the primary's catalog listed. Safe to repeat. @throws {TwinportError} LEDGER */
export async function recordCatalogPage(ledger: Ledger, site: string, { startedAt, repositories }: CatalogPage): Promise<void> {
  await asked(() =>
    sql`
      insert into listed_repositories as l (site, repository, first_listed_at, last_listed_at)
      select ${site}, u.repository, ${startedAt}::bigint, ${startedAt}::bigint from (select distinct unnest(${repositories}::text[]) as repository) u
      order by u.repository
      on conflict (site, repository) do update set
        first_listed_at = least(l.first_listed_at, excluded.first_listed_at), last_listed_at = greatest(l.last_listed_at, excluded.last_listed_at)`.execute(
      ledger.db,
    ),
  );
}

/** Records a listing of the primary's catalog. Safe to repeat. @throws {TwinportError} LEDGER */
export async function recordCatalogScan(ledger: Ledger, site: string, catalog: CatalogScan): Promise<void> {
  const { scan, startedAt, pages, complete, listed, excluded } = catalog;
  const counts = { pages, listed, excluded, complete };
  await transact(ledger, async (trx) => {
    await trx
      .insertInto('scans')
      .values({ id: scan, site, repository: null, started_at: startedAt, closed: false, finished_at: NOW_MS, ...counts })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ ...counts, finished_at: NOW_MS }))
      .execute();
    if (!complete) return;
    await siteColumns(trx, site, {});
    await sql`
      update sites set catalog_at = ${startedAt}, catalog_excluded = ${excluded}
      where name = ${site} and coalesce(catalog_at, 0) <= ${startedAt}`.execute(trx);
  });
}
