import { sql } from 'kysely';
import { asked, type Ledger } from './ledger.ts';

/*
 * How many images a site has, by how they are: a trigger on `images` appends to `image_counts` what each statement changed (migration 8), and the sums of it
 * are the counts. So they are of the same moment as all else that a transaction sees, and cost the same however many images there are.
 */

/** The counts of the site `n.name`: one row. */
export const IMAGE_COUNTS = sql`(
  select coalesce(sum(total), 0)::bigint as total, coalesce(sum(synced), 0)::bigint as synced, coalesce(sum(verified), 0)::bigint as verified,
    coalesce(sum(failed), 0)::bigint as failed, coalesce(sum(pending), 0)::bigint as pending
  from image_counts where site = n.name)`;

/** Adds up what has been appended, so that there is little to sum. Safe at any time, and at several places at once. @throws {TwinportError} LEDGER */
export async function foldImageCounts(ledger: Ledger): Promise<void> {
  await asked(() =>
    sql`
      with gone as (delete from image_counts returning *)
      insert into image_counts (site, total, synced, verified, failed, pending)
      select site, sum(total), sum(synced), sum(verified), sum(failed), sum(pending) from gone group by site`.execute(ledger.db),
  );
}
