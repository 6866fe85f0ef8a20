import { sql } from 'kysely';
import type { KnownRepositoriesInput, SettledRepositoriesInput, SettledRepositoriesResult } from '../model/steps.ts';
import { VERIFIED } from './images.ts';
import { asked, type Ledger } from './ledger.ts';

/**
 * Repositories of a site that the ledger knows, by a scan or by an image, and whose latest scan is older than asked; a page of them,
 * sorted by their bytes.
 * @param inScope leaves out what the site's filters exclude, whose images are then counted no more
 * @throws {TwinportError} LEDGER
 */
export async function knownRepositories(
  ledger: Ledger,
  input: KnownRepositoriesInput,
  inScope: (repository: string) => boolean = () => true,
): Promise<string[]> {
  const known: string[] = [];
  let after = input.after ?? '';
  for (;;) {
    const wanted = input.limit - known.length;
    const page = await knownPage(ledger, { ...input, limit: wanted }, after);
    known.push(...page.filter(inScope));
    await exclude(
      ledger,
      input.policy.site,
      page.filter((repository) => !inScope(repository)),
    );
    after = page.at(-1) ?? after;
    if (page.length < wanted || known.length === input.limit) return known;
  }
}

/**
 * Which of some repositories were settled by their last scan, and have nothing that is to be read back by now. None while something is said of the site's
 * primary: then a scan asks it first what it still holds.
 * @param at by Temporal's clock
 * @throws {TwinportError} LEDGER
 */
export async function settledRepositories(
  ledger: Ledger,
  { policy, repositories }: SettledRepositoriesInput,
  at: number,
): Promise<SettledRepositoriesResult> {
  const { rows } = await asked(() =>
    sql<{ repository: string }>`
      select repository from repositories r
      where site = ${policy.site} and repository = any(${repositories}::text[]) and complete and not out_of_scope and absent_since is null
        and not exists (select 1 from regressions g where g.site = r.site)
        and not exists (
          select 1 from images where site = r.site and repository = r.repository and not out_of_scope
            and (missing_since is not null or ${VERIFIED} is not true or verified_at is null or verified_at <= ${at - policy.verify.everyMs}))`.execute(
      ledger.db,
    ),
  );
  const settled = new Set(rows.map(({ repository }) => repository));
  return {
    summary: `${settled.size} of ${repositories.length} repositories`,
    repositories: repositories.filter((repository) => settled.has(repository)),
  };
}

async function knownPage(ledger: Ledger, { policy, scannedBefore, limit }: KnownRepositoriesInput, after: string): Promise<string[]> {
  const { rows } = await asked(() =>
    sql<{ repository: string }>`
      select repository from (
        select repository from repositories where site = ${policy.site} and repository > ${after} and not out_of_scope
        union
        select repository from images where site = ${policy.site} and repository > ${after} and not out_of_scope
      ) known
      where not exists (
        select 1 from repositories r where r.site = ${policy.site} and r.repository = known.repository and r.scan_started >= ${scannedBefore})
      order by repository limit ${limit}`.execute(ledger.db),
  );
  return rows.map(({ repository }) => repository);
}

async function exclude(ledger: Ledger, site: string, repositories: readonly string[]): Promise<void> {
  if (repositories.length === 0) return;
  await asked(async () => {
    for (const table of ['images', 'repositories'] as const) {
      await ledger.db
        .updateTable(table)
        .set({ out_of_scope: true })
        .where('site', '=', site)
        .where('repository', 'in', repositories)
        .execute();
    }
  });
}
