import { sql } from 'kysely';
import { deletionBudget, deletionVerdict, type DeletionCounts } from '../model/deletion-guard.ts';
import type { PlanDeletionsInput } from '../model/steps.ts';
import { count } from '../model/text.ts';
import type { Db } from './ledger.ts';

/** Whether a run may go on, and else why not. */
export interface Verdict {
  readonly go: boolean;
  readonly reason: string;
}

const WINDOW_MS = 86_400_000;

/** Judges a run that wants to delete `wanted` tags; the caller holds the site's lock. */
export async function judge(trx: Db, { policy, repository }: PlanDeletionsInput, wanted: number, now: number): Promise<Verdict> {
  const counts = await countTags(trx, policy.site, repository, now);
  const go = deletionVerdict(wanted, counts, policy.deletes.policy) === 'go';
  return { go, reason: go ? '' : reasonOf(wanted, counts) };
}

/** What the ledger knows of a site and a repository; reservations of a person's approval are outside the budget. */
async function countTags(trx: Db, site: string, repository: string, now: number): Promise<DeletionCounts> {
  const here = sql`repository = ${repository}`;
  const { rows } = await sql<DeletionCounts & { repositoryReserved: number; siteReserved: number }>`
    select i.*, d.* from
      (select count(*) filter (where ${here}) as "repositoryTags", count(*) as "siteTags" from images where site = ${site}) i,
      (select count(*) filter (where ${here}) as "repositoryDeleted", count(*) as "siteDeleted",
          count(*) filter (where ${here} and state = 'reserved') as "repositoryReserved",
          count(*) filter (where state = 'reserved') as "siteReserved"
        from deletions where site = ${site} and state in ('reserved', 'done') and decided_by is null and reserved_at > ${now - WINDOW_MS}) d`.execute(
    trx,
  );
  const row = rows[0] ?? { repositoryTags: 0, siteTags: 0, repositoryDeleted: 0, siteDeleted: 0, repositoryReserved: 0, siteReserved: 0 };
  // What is reserved still has its row, and would be counted twice.
  return { ...row, repositoryTags: row.repositoryTags - row.repositoryReserved, siteTags: row.siteTags - row.siteReserved };
}

function reasonOf(wanted: number, counts: DeletionCounts): string {
  const bySite = wanted <= deletionBudget({ ...counts, siteTags: Number.MAX_SAFE_INTEGER, siteDeleted: 0 });
  const [tags, deleted] = bySite ? [counts.siteTags, counts.siteDeleted] : [counts.repositoryTags, counts.repositoryDeleted];
  const allowed = deletionBudget(counts) + deleted;
  const before = deleted === 0 ? '' : `, and ${deleted} went already`;
  return `would delete ${wanted} of ${count(tags, 'tag')}${bySite ? ' of the site' : ''}; ${allowed} ${allowed === 1 ? 'is' : 'are'} allowed in 24 h${before}`;
}
