import { TwinportError } from '../model/failure.ts';
import { auditIn } from './audit.ts';
import { asked, NOW_MS, transact, type Db, type Ledger } from './ledger.ts';

/** A site as the configuration has it; the fingerprint is of its primary, secondary and path. */
export interface SiteRegistration {
  readonly name: string;
  readonly fingerprint: string;
}

/** All that is known of a site by name; what was received and the audit are everybody's. */
const OF_A_SITE = [
  'images',
  'repositories',
  'listed_repositories',
  'waivers',
  'found_changes',
  'missed_events',
  'scans',
  'tag_history',
  'deletions',
  'keeps',
  'moves',
  'regressions',
  'inbox',
  'workers',
  'site_samples',
] as const;

/**
 * Makes the ledger know these sites. A site whose fingerprint changed is another site under an old name: what is known of its images
 * would be false.
 * @throws {TwinportError} CONFLICT (a fingerprint changed, and `reset` is not given), LEDGER
 */
export async function registerSites(ledger: Ledger, sites: readonly SiteRegistration[], options: { reset: boolean }): Promise<void> {
  const sorted = [...sites].sort((a, b) => (a.name < b.name ? -1 : 1));
  await transact(ledger, async (trx) => {
    for (const site of sorted) await registerSite(trx, site, options.reset);
  });
}

/** Stops or resumes what is done for a site. @throws {TwinportError} LEDGER */
export async function setPaused(ledger: Ledger, site: string, paused: boolean): Promise<void> {
  await asked(async () => {
    const known = await ledger.db.selectFrom('sites').select('paused').where('name', '=', site).executeTakeFirst();
    if (known?.paused !== paused) await siteColumns(ledger.db, site, { paused });
  });
}

/** Sets columns of a site's row, and makes the row where it is not there. */
export async function siteColumns(
  db: Db,
  name: string,
  columns: { paused?: boolean; backfill?: string; backfilled_at?: typeof NOW_MS },
): Promise<void> {
  await db
    .insertInto('sites')
    .values({ name, fingerprint: '', paused: false, created_at: NOW_MS, catalog_excluded: 0, ...columns })
    .onConflict((conflict) => (Object.keys(columns).length === 0 ? conflict.doNothing() : conflict.column('name').doUpdateSet(columns)))
    .execute();
}

async function registerSite(trx: Db, { name, fingerprint }: SiteRegistration, reset: boolean): Promise<void> {
  await siteColumns(trx, name, {});
  const row = await trx.selectFrom('sites').select('fingerprint').where('name', '=', name).forUpdate().executeTakeFirst();
  const known = row?.fingerprint ?? '';
  if (known === fingerprint) return;
  if (known !== '' && !reset) {
    const message = `site "${name}" has another primary, secondary or path than the one that this ledger was made for; with --reset-site its records are made anew`;
    throw new TwinportError('CONFLICT', message);
  }
  if (known !== '') await forgetSite(trx, name);
  await trx.updateTable('sites').set({ fingerprint }).where('name', '=', name).execute();
}

async function forgetSite(trx: Db, site: string): Promise<void> {
  await trx
    .deleteFrom('scan_pages')
    .where('scan', 'in', trx.selectFrom('scans').select('id').where('site', '=', site))
    .execute();
  for (const table of OF_A_SITE) await trx.deleteFrom(table).where('site', '=', site).execute();
  await trx
    .updateTable('sites')
    .set({ paused: false, backfill: null, catalog_at: null, catalog_excluded: 0, backfilled_at: null, recovery_point: null })
    .where('name', '=', site)
    .execute();
  await auditIn(trx, { actor: 'twinport', action: 'reset site', site });
}
