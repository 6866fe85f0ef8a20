import { sql } from 'kysely';
import type { ImageKey } from './apply-outcome.ts';
import type { Db } from './ledger.ts';

/** A secondary's tag that lost a digest. */
export interface Overwrite extends ImageKey {
  readonly oldDigest: string;
  /** Absent: the tag was deleted. */
  readonly newDigest?: string | undefined;
  /** When it was recorded, and the look that did it: the same look again is the same overwrite. */
  readonly at: number;
  readonly look: number;
}

/** Appends to the history of tags; safe to repeat. */
export async function appendHistory(trx: Db, overwrites: readonly Overwrite[]): Promise<void> {
  if (overwrites.length === 0) return;
  await trx
    .insertInto('tag_history')
    .values(
      overwrites.map((one) => ({
        site: one.site,
        repository: one.repository,
        tag: one.tag,
        old_digest: one.oldDigest,
        new_digest: one.newDigest ?? null,
        at: one.at,
        look: one.look,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** An overwrite that nobody told of: something else was found where the ledger had verified a digest. */
export interface Untold extends Overwrite {
  /** When that digest was last verified: an overwrite told of since then is this one. */
  readonly since: number;
}

/** Appends what is not told yet; safe to repeat. */
export async function appendUntold(trx: Db, untold: readonly Untold[]): Promise<void> {
  for (const { site, repository, tag, oldDigest, newDigest, at, look, since } of untold) {
    await sql`
      insert into tag_history (site, repository, tag, old_digest, new_digest, at, look)
      select ${site}, ${repository}, ${tag}, ${oldDigest}, ${newDigest ?? null}, ${at}::bigint, ${look}::bigint
      where not exists (select 1 from tag_history h where h.site = ${site} and h.repository = ${repository} and h.tag = ${tag}
        and h.old_digest = ${oldDigest} and h.at >= ${since}::bigint)
      on conflict do nothing`.execute(trx);
  }
}

/** What a tag of the secondary held before, newest first. */
export async function tagHistory(
  db: Db,
  key: ImageKey,
  limit = 100,
): Promise<{ oldDigest: string; newDigest: string | null; at: number }[]> {
  const { rows } = await sql<{ oldDigest: string; newDigest: string | null; at: number }>`
    select old_digest as "oldDigest", new_digest as "newDigest", at from tag_history
    where site = ${key.site} and repository = ${key.repository} and tag = ${key.tag} order by at desc, id desc limit ${limit}`.execute(db);
  return rows;
}
