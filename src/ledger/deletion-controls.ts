import { sql } from 'kysely';
import type { PlanDeletionsInput, PositiveControl } from '../model/steps.ts';
import type { Db } from './ledger.ts';

const MOST = 5;

/** Tags that the primary should hold, of the same repository first: if it does not answer for these, its 404s prove nothing. */
export async function positiveControls(db: Db, { policy, repository, candidates }: PlanDeletionsInput): Promise<PositiveControl[]> {
  const tags = candidates.flatMap(({ tag }) => tag ?? []);
  const { rows } = await sql<PositiveControl>`
    select repository, tag, verified_digest as digest from images
    where site = ${policy.site} and sync = 'synced' and verification = 'succeeded' and verified_digest = digest
      and missing_since is null and not out_of_scope and not (repository = ${repository} and tag = any(${tags}::text[]))
    order by (repository = ${repository}) desc, verified_at desc, repository, tag
    limit ${MOST}`.execute(db);
  return rows;
}
