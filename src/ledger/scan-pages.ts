import { sql } from 'kysely';
import type { RecordScanInput } from '../model/steps.ts';
import { isComplete } from './complete-scans.ts';
import type { Db } from './ledger.ts';

/** All pages of a scan so far. */
export interface ScanSum {
  readonly pages: number;
  readonly listed: number;
  readonly excluded: number;
  readonly foreign: number;
  readonly started: number;
  /** Every page came, and every tag on them could be read, or is waived. */
  readonly complete: boolean;
}

/** Keeps a page, and what the scan's pages come to; a page that is recorded twice counts once. */
export async function recordScanPage(trx: Db, input: RecordScanInput, foreign: number, at: number): Promise<ScanSum> {
  const { scan, after, page } = input;
  const failed = page.failures.flatMap(({ tag }) => tag ?? []);
  const counts = {
    look: page.look,
    listed: page.tags.length + failed.length,
    excluded: page.excluded,
    foreign_tags: foreign,
    failures: page.failures.length,
    failed_tags: failed,
    last: page.next === undefined,
  };
  await trx
    .insertInto('scan_pages')
    .values({ scan, after_tag: after ?? '', ...counts })
    .onConflict((conflict) => conflict.columns(['scan', 'after_tag']).doUpdateSet(counts))
    .execute();
  const sum = await sumOf(trx, input);
  await saveScan(trx, input, sum, at);
  await saveRepository(trx, input, sum);
  return sum;
}

/** How many the last scan counted. */
export async function foreignTags(trx: Db, { policy, repository }: Pick<RecordScanInput, 'policy' | 'repository'>): Promise<number> {
  const row = await trx
    .selectFrom('repositories')
    .select('foreign_tags')
    .where('site', '=', policy.site)
    .where('repository', '=', repository)
    .executeTakeFirst();
  return row?.foreign_tags ?? 0;
}

async function sumOf(trx: Db, { policy, repository, scan }: RecordScanInput): Promise<ScanSum> {
  const { rows } = await sql<ScanSum>`
    select count(*) as pages, sum(listed) as listed, sum(excluded) as excluded, sum(foreign_tags) as foreign,
      coalesce(min(look) filter (where after_tag = ''), min(look)) as started,
      ${isComplete(policy.site, repository)} as complete
    from scan_pages where scan = ${scan}`.execute(trx);
  const row = rows[0];
  if (!row) throw new Error(`scan ${scan} has no pages`);
  return row;
}

async function saveScan(trx: Db, { policy, repository, scan }: RecordScanInput, sum: ScanSum, at: number): Promise<void> {
  const { pages, listed, excluded, complete, started } = sum;
  const counts = { pages, listed, excluded, complete, finished_at: at };
  await trx
    .insertInto('scans')
    .values({ id: scan, site: policy.site, repository, started_at: started, closed: false, ...counts })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(counts))
    .execute();
}

/** A scan that began later speaks for the repository. */
async function saveRepository(trx: Db, { policy, repository, scan, page }: RecordScanInput, sum: ScanSum): Promise<void> {
  const completed = sum.complete ? sum.started : null;
  const absent = page.absent === true ? page.look : null;
  await sql`
    insert into repositories as r
      (site, repository, last_scan, scan_started, pages, listed, excluded, foreign_tags, complete, completed_scan_at, absent_since,
        revision)
    values (${policy.site}, ${repository}, ${scan}, ${sum.started}, ${sum.pages}, ${sum.listed}, ${sum.excluded}, ${sum.foreign}, ${sum.complete},
      ${completed}::bigint, ${absent}::bigint,
      ${sum.complete ? policy.revision : null})
    on conflict (site, repository) do update set
      last_scan = excluded.last_scan, scan_started = excluded.scan_started, pages = excluded.pages, listed = excluded.listed,
      excluded = excluded.excluded, foreign_tags = excluded.foreign_tags, complete = excluded.complete,
      completed_scan_at = coalesce(excluded.completed_scan_at, r.completed_scan_at), revision = coalesce(excluded.revision, r.revision),
      absent_since = case when excluded.absent_since is not null then coalesce(r.absent_since, excluded.absent_since) end,
      out_of_scope = false
    where excluded.scan_started >= r.scan_started`.execute(trx);
}
