import { sql } from 'kysely';
import { KEEP_MS } from '../model/policy.ts';
import { isUndoneTag, keepTag, undoneTag } from '../model/reference.ts';
import type { RecordScanInput } from '../model/steps.ts';
import { STANDING } from './deletion-rows.ts';
import type { Db } from './ledger.ts';

/** What `keepTag` makes of the old digest of a history's row `h`. */
const KEPT_BY = sql`${keepTag('sha256:')} || left(split_part(h.old_digest, ':', 2), 32)`;

/**
 * Notes the tags of some windows that keep what others lost. One's time begins when a scan first saw it, and anew with each loss of that digest.
 * @param inputs of one site, each of another repository
 * @param at by Temporal's clock
 * @returns those whose time is over, by repository
 */
export async function recordKeeps(
  trx: Db,
  inputs: readonly RecordScanInput[],
  at: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const looked = inputs.filter(({ page }) => page.kept !== undefined);
  await forgetKeeps(trx, looked);
  const expired = new Map<string, readonly string[]>();
  for (const input of looked) if (input.page.kept?.length) expired.set(input.repository, await keepsOf(trx, input, input.page.kept, at));
  return expired;
}

/** Of those that are no longer there nothing is known. */
async function forgetKeeps(trx: Db, inputs: readonly RecordScanInput[]): Promise<void> {
  if (inputs.length === 0) return;
  const gone = inputs.map(({ policy, repository, after, page: { kept = [], look, next } }) => {
    const end = next === undefined ? sql`` : sql` and tag <= ${next}`;
    return sql`(site = ${policy.site} and repository = ${repository} and tag > ${after ?? ''}${end}
      and not tag = any(${kept}::text[]) and since <= ${look})`;
  });
  await sql`delete from keeps where ${sql.join(gone, sql` or `)}`.execute(trx);
}

async function keepsOf(trx: Db, { policy, repository, page }: RecordScanInput, kept: readonly string[], at: number): Promise<string[]> {
  await sql`
    insert into keeps (site, repository, tag, since)
    select ${policy.site}, ${repository}, tag, ${page.look}::bigint from unnest(${kept}::text[]) as k(tag)
    on conflict do nothing`.execute(trx);
  const since = at - (policy.deletes.keepMs ?? KEEP_MS);
  const { rows } = await sql<{ tag: string }>`
    select tag from keeps k where site = ${policy.site} and repository = ${repository} and tag = any(${kept}::text[]) and since <= ${since}
      and not exists (select 1 from tag_history h
        where h.site = k.site and h.repository = k.repository and h.at > ${since} and ${KEPT_BY} = k.tag)
    order by tag`.execute(trx);
  const setBack = kept.some(isUndoneTag) ? await setBackTags(trx, policy.site, repository) : new Set();
  return rows.map(({ tag }) => tag).filter((tag) => !setBack.has(tag));
}

/** What says so of those tags that a person set back, as long as nobody lets them go. */
async function setBackTags(trx: Db, site: string, repository: string): Promise<ReadonlySet<string>> {
  const here = sql`site = ${site} and repository = ${repository} and undo and state = any(${STANDING}::text[])`;
  const { rows } = await sql<{ tag: string }>`
    select tag from moves where ${here} union select tag from deletions where ${here}`.execute(trx);
  return new Set(rows.map(({ tag }) => undoneTag(tag)));
}
