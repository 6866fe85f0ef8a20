import type { ImageRow } from './apply-outcome.ts';
import type { Db } from './ledger.ts';
import { lockWaivers, reopenScans } from './recovery-point.ts';

/**
 * A waiver of a tag that nobody could read ends when somebody can: what the tag holds may have been there all the time, so that what was proved without it
 * is proved no more. A waiver of a digest needs no such care: a tag that holds another one was moved since.
 */
export async function lapseWaivers(trx: Db, before: ReadonlyMap<string, ImageRow>, rows: ReadonlyMap<string, ImageRow>): Promise<void> {
  const read = [...rows].flatMap(([key, row]) => {
    const was = before.get(key);
    return was?.changed_at != null && was.digest === null && row.digest !== null && row.changed_at !== null ? [row] : [];
  });
  for (const { site, repository, tag, changed_at } of read) {
    const waiver = await trx
      .selectFrom('waivers')
      .select('tag')
      .where('site', '=', site)
      .where('repository', '=', repository)
      .where('tag', '=', tag)
      .where('digest', 'is', null)
      .executeTakeFirst();
    if (!waiver) continue;
    await lockWaivers(trx, site);
    await reopenScans(trx, site, repository, changed_at ?? 0);
  }
}
