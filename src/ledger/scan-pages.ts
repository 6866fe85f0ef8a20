import { sql } from 'kysely';
import type { RecordScanInput } from '../model/steps.ts';
import { isComplete } from './complete-scans.ts';
import type { Db } from './ledger.ts';

/** A page, and how many of its tags are somebody else's. */
export interface ScannedPage {
  readonly input: RecordScanInput;
  readonly foreign: number;
}

/** All pages of a repository's scan so far. */
interface ScanSum {
  readonly scan: string;
  readonly repository: string;
  readonly pages: number;
  readonly listed: number;
  readonly excluded: number;
  readonly foreign: number;
  readonly started: number;
  /** Every page came, and every tag on them could be read, or is waived. */
  readonly complete: boolean;
}

/**
 * Keeps pages, and what their scans come to; a page that is recorded twice counts once.
 * @param pages of that site, each of another repository
 * @returns how many tags each scan counted as somebody else's, by repository
 */
export async function recordScanPages(
  trx: Db,
  site: string,
  pages: readonly ScannedPage[],
  at: number,
): Promise<ReadonlyMap<string, number>> {
  const inputs = pages.map(({ input }) => input);
  await savePages(trx, pages);
  const sums = await sumsOf(trx, site, inputs);
  await saveScans(trx, site, sums, at);
  await saveRepositories(trx, inputs, sums);
  return new Map(sums.map(({ repository, foreign }) => [repository, foreign]));
}

/** How many the last scan counted, by repository. */
export async function foreignTags(trx: Db, site: string, repositories: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await repositoryRows(trx, site, repositories);
  return new Map(rows.map(({ repository, foreign_tags }) => [repository, foreign_tags]));
}

/** When the last scan looked. */
export async function lastScan(trx: Db, site: string, repository: string): Promise<number> {
  return (await repositoryRows(trx, site, [repository]))[0]?.scan_started ?? 0;
}

function repositoryRows(trx: Db, site: string, repositories: readonly string[]) {
  return trx
    .selectFrom('repositories')
    .select(['repository', 'foreign_tags', 'scan_started'])
    .where('site', '=', site)
    .where(sql<boolean>`repository = any(${repositories}::text[])`)
    .execute();
}

async function savePages(trx: Db, pages: readonly ScannedPage[]): Promise<void> {
  await trx
    .insertInto('scan_pages')
    .values(
      pages.map(({ input: { scan, after, page }, foreign }) => {
        const failed = page.failures.flatMap(({ tag }) => tag ?? []);
        return {
          scan,
          after_tag: after ?? '',
          look: page.look,
          listed: page.tags.length + failed.length,
          excluded: page.excluded,
          foreign_tags: foreign,
          failures: page.failures.length,
          failed_tags: failed,
          last: page.next === undefined,
        };
      }),
    )
    .onConflict((conflict) =>
      conflict.columns(['scan', 'after_tag']).doUpdateSet(({ ref }) => ({
        look: ref('excluded.look'),
        listed: ref('excluded.listed'),
        excluded: ref('excluded.excluded'),
        foreign_tags: ref('excluded.foreign_tags'),
        failures: ref('excluded.failures'),
        failed_tags: ref('excluded.failed_tags'),
        last: ref('excluded.last'),
      })),
    )
    .execute();
}

async function sumsOf(trx: Db, site: string, inputs: readonly RecordScanInput[]): Promise<ScanSum[]> {
  const { rows } = await sql<ScanSum>`
    select n.scan, n.repository, count(*) as pages, sum(listed) as listed, sum(excluded) as excluded, sum(foreign_tags) as foreign,
      coalesce(min(look) filter (where after_tag = ''), min(look)) as started,
      ${isComplete(site, sql`n.repository`)} as complete
    from unnest(${inputs.map(({ scan }) => scan)}::text[], ${inputs.map(({ repository }) => repository)}::text[]) as n(scan, repository)
    join scan_pages p on p.scan = n.scan
    group by n.scan, n.repository`.execute(trx);
  return rows;
}

async function saveScans(trx: Db, site: string, sums: readonly ScanSum[], at: number): Promise<void> {
  await trx
    .insertInto('scans')
    .values(
      sums.map(({ scan, repository, pages, listed, excluded, complete, started }) => ({
        ...{ id: scan, site, repository, started_at: started, closed: false },
        ...{ pages, listed, excluded, complete, finished_at: at },
      })),
    )
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref }) => ({
        pages: ref('excluded.pages'),
        listed: ref('excluded.listed'),
        excluded: ref('excluded.excluded'),
        complete: ref('excluded.complete'),
        finished_at: ref('excluded.finished_at'),
      })),
    )
    .execute();
}

/** A scan that began later speaks for the repository. */
async function saveRepositories(trx: Db, inputs: readonly RecordScanInput[], sums: readonly ScanSum[]): Promise<void> {
  const byRepository = new Map(sums.map((sum) => [sum.repository, sum]));
  const rows = inputs.flatMap(({ policy, repository, scan, page }) => {
    const sum = byRepository.get(repository);
    if (!sum) return [];
    const { pages, listed, excluded, complete, started } = sum;
    return [
      {
        ...{ site: policy.site, repository, last_scan: scan, scan_started: started, pages, listed, excluded, complete },
        foreign_tags: sum.foreign,
        completed_scan_at: complete ? started : null,
        absent_since: page.absent === true ? page.look : null,
        revision: complete ? policy.revision : null,
      },
    ];
  });
  const columns = sql`site, repository, last_scan, scan_started, pages, listed, excluded, foreign_tags, complete, completed_scan_at,
    absent_since, revision`;
  await sql`
    insert into repositories as r (${columns})
    select ${columns} from jsonb_populate_recordset(null::repositories, ${JSON.stringify(rows)}::jsonb) order by site, repository
    on conflict (site, repository) do update set
      last_scan = excluded.last_scan, scan_started = excluded.scan_started, pages = excluded.pages, listed = excluded.listed,
      excluded = excluded.excluded, foreign_tags = excluded.foreign_tags, complete = excluded.complete,
      completed_scan_at = coalesce(excluded.completed_scan_at, r.completed_scan_at), revision = coalesce(excluded.revision, r.revision),
      absent_since = case when excluded.absent_since is not null then coalesce(r.absent_since, excluded.absent_since) end,
      out_of_scope = false
    where excluded.scan_started >= r.scan_started`.execute(trx);
}
