import { sql } from 'kysely';
import type { RecordScanInput } from '../model/steps.ts';
import { NO_LOOK, type ImageRow } from './apply-outcome.ts';
import { keyOf } from './image-rows.ts';
import type { Db } from './ledger.ts';

interface Found {
  readonly repository: string;
  readonly tag: string;
  readonly action: 'push' | 'delete';
  /** What was pushed, or what was deleted. */
  readonly digest: string;
  /** When the tag was last read as something else. */
  readonly since: number;
}

/**
 * Keeps what a scan found changed since the primary was last read, for `settleFoundChanges` to tell whether an event announced it. Only a repository that
 * was scanned whole before, under the same policy, can have changed: a first backfill misses nothing, and neither does a new filter.
 */
export async function keepFoundChanges(
  trx: Db,
  input: RecordScanInput,
  before: ReadonlyMap<string, ImageRow>,
  after: ReadonlyMap<string, ImageRow>,
): Promise<void> {
  const changed = [...pushed(input, before), ...deleted(before, after, input.page.look)];
  if (changed.length === 0) return;
  const since = await lastRead(trx, input);
  if (since === undefined) return;
  const rows = changed.map((one) => ({ ...one, site: input.policy.site, since: one.since === NO_LOOK ? since : one.since }));
  await trx
    .insertInto('found_changes')
    .values(rows.map((row) => ({ ...row, found_at: input.page.look })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function pushed({ policy, repository, page }: RecordScanInput, before: ReadonlyMap<string, ImageRow>): Found[] {
  return page.tags.flatMap(({ tag, digest }): Found[] => {
    const row = before.get(keyOf({ site: policy.site, repository, tag }));
    if (!row || row.look >= page.look || row.out_of_scope || row.digest === digest) return [];
    // What nobody could read before may have been there all the time.
    if (row.look !== NO_LOOK && row.digest === null) return [];
    return [{ repository, tag, action: 'push', digest, since: row.looked_at }];
  });
}

function deleted(before: ReadonlyMap<string, ImageRow>, after: ReadonlyMap<string, ImageRow>, look: number): Found[] {
  return [...before].flatMap(([key, row]): Found[] => {
    const now = after.get(key);
    if (row.look === NO_LOOK || row.look >= look || row.missing_since !== null || row.out_of_scope || row.digest === null) return [];
    if (now && (now.missing_since === null || now.out_of_scope)) return [];
    return [{ repository: row.repository, tag: row.tag, action: 'delete', digest: row.digest, since: row.looked_at }];
  });
}

/** When the repository was last known whole under this policy; one that is new to the ledger, when the catalog was, after a pass under this policy. */
async function lastRead(trx: Db, { policy, repository }: RecordScanInput): Promise<number | undefined> {
  const { rows } = await sql<{ at: number | null }>`
    select case
      when r.repository is not null then case when r.revision = ${policy.revision} and not r.out_of_scope then r.completed_scan_at end
      when exists (
        select 1 from repositories o where o.site = s.name and o.revision = ${policy.revision} and o.completed_scan_at <= s.catalog_at
      ) then s.catalog_at
    end as at
    from sites s left join repositories r on r.site = s.name and r.repository = ${repository}
    where s.name = ${policy.site}`.execute(trx);
  return rows[0]?.at ?? undefined;
}
