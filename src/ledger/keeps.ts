import { sql } from 'kysely';
import { KEEP_MS } from '../model/policy.ts';
import { isUndoneTag, keepTag, undoneTag } from '../model/reference.ts';
import type { RecordScanInput } from '../model/steps.ts';
import { STANDING } from './deletion-rows.ts';
import type { Db } from './ledger.ts';

/** What `keepTag` makes of the old digest of a history's row `h`. */
const KEPT_BY = sql`${keepTag('sha256:')} || left(split_part(h.old_digest, ':', 2), 32)`;

/**
 * Notes the tags of a window that keep what others lost. One's time begins when a scan first saw it, and anew with each loss of that digest.
 * @param at by Temporal's clock
 * @returns those whose time is over
 */
export async function recordKeeps(trx: Db, { policy, repository, after, page }: RecordScanInput, at: number): Promise<string[]> {
  const { kept, look, next } = page;
  if (kept === undefined) return [];
  const end = next === undefined ? sql`` : sql` and tag <= ${next}`;
  await sql`
    delete from keeps where site = ${policy.site} and repository = ${repository} and tag > ${after ?? ''}${end}
      and not tag = any(${kept}::text[]) and since <= ${look}`.execute(trx);
  if (kept.length === 0) return [];
  await sql`
    insert into keeps (site, repository, tag, since)
    select ${policy.site}, ${repository}, tag, ${look}::bigint from unnest(${kept}::text[]) as k(tag)
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
