import { sql } from 'kysely';
import { NO_LOOK, type ImageRow } from './apply-outcome.ts';
import type { Db } from './ledger.ts';

/**
 * Keeps since when repositories are known that no listing of the catalog has named yet, by the first look at one of their images: a later look forgets it,
 * and a listing that leaves such a repository out must not pass for whole.
 */
export async function keepFirstKnown(trx: Db, before: ReadonlyMap<string, ImageRow>, after: ReadonlyMap<string, ImageRow>): Promise<void> {
  const made = [...after].flatMap(([key, row]) => (before.get(key)?.look === NO_LOOK && row.look !== NO_LOOK ? [row] : []));
  if (made.length === 0) return;
  await sql`
    insert into listed_repositories as l (site, repository, first_listed_at, last_listed_at)
    select site, repository, min(look), min(look)
    from unnest(${made.map(({ site }) => site)}::text[], ${made.map(({ repository }) => repository)}::text[], ${made.map(({ look }) => look)}::bigint[])
      as u(site, repository, look)
    group by site, repository order by site, repository
    on conflict (site, repository) do update set first_listed_at = least(l.first_listed_at, excluded.first_listed_at)
    where excluded.first_listed_at < l.first_listed_at`.execute(trx);
}
