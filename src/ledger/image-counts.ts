import { sql } from 'kysely';
import { COUNTED, VERIFIED } from './images.ts';
import { asked, NOW_MS, type Ledger } from './ledger.ts';

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

const COUNTED_AT = 'images-counted-at';
const DAY_MS = 86_400_000;

/**
 * Once a day, whoever asks: counts the images themselves, and sets right what the sums say otherwise. Nothing is known that would let them differ; a person who
 * changes rows by hand, with the triggers off, can.
 * @returns sites whose counts were wrong
 * @throws {TwinportError} LEDGER
 */
export async function recountImages(ledger: Ledger): Promise<string[]> {
  if (!(await isDue(ledger))) return [];
  const { rows } = await asked(() =>
    sql<{ name: string }>`select name from sites union select distinct site from image_counts`.execute(ledger.db),
  );
  const wrong: string[] = [];
  for (const { name } of rows) if (await recountSite(ledger, name)) wrong.push(name);
  return wrong;
}

async function isDue(ledger: Ledger): Promise<boolean> {
  const { rows } = await asked(() =>
    sql`insert into meta (name, value) values (${COUNTED_AT}, ${NOW_MS}::text)
      on conflict (name) do update set value = excluded.value where meta.value::bigint < excluded.value::bigint - ${DAY_MS}::bigint
      returning name`.execute(ledger.db),
  );
  return rows.length > 0;
}

/** In one statement, and so of one moment: what others change meanwhile is in both, or in neither. */
async function recountSite(ledger: Ledger, site: string): Promise<boolean> {
  const { rows } = await asked(() =>
    sql`
      insert into image_counts (site, total, synced, verified, failed, pending)
      select ${site}, a.total - n.total, a.synced - n.synced, a.verified - n.verified, a.failed - n.failed, a.pending - n.pending
      from (
        select count(*) as total, count(*) filter (where sync = 'synced') as synced, count(*) filter (where ${VERIFIED}) as verified,
          count(*) filter (where sync = 'failed') as failed, count(*) filter (where sync in ('pending', 'started')) as pending
        from images where site = ${site} and ${COUNTED}) a
      cross join (select i.* from (select ${site}::text as name) n cross join lateral ${IMAGE_COUNTS} i) n
      where (a.total, a.synced, a.verified, a.failed, a.pending) is distinct from (n.total, n.synced, n.verified, n.failed, n.pending)
      returning site`.execute(ledger.db),
  );
  return rows.length > 0;
}
