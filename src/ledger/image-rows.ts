import { sql } from 'kysely';
import { newRow, NO_LOOK, type ImageKey, type ImageRow } from './apply-outcome.ts';
import type { Db } from './ledger.ts';

const LONGEST_REASON = 2_000;
/** JSON can say this and PostgreSQL's text cannot. */
const NUL = /\0/g;

/** Names a row in maps. */
export function keyOf(key: ImageKey): string {
  return `${key.site}\n${key.repository}\n${key.tag}`;
}

/**
 * Locks the rows of these tags until the transaction's end, in the order of their keys so that two never wait for each other; a tag
 * without a row gets one, without a look, so that two transactions cannot both make it.
 */
export async function lockImages(trx: Db, keys: readonly ImageKey[]): Promise<Map<string, ImageRow>> {
  if (keys.length === 0) return new Map();
  await sql`
    insert into images (site, repository, tag, sync, verification, look, look_end, looked_at)
    select site, repository, tag, 'pending', 'pending', ${NO_LOOK}::bigint, ${NO_LOOK}::bigint, ${NO_LOOK}::bigint
    from ${namesOf(keys)} order by site, repository, tag
    on conflict do nothing`.execute(trx);
  return lockKnownImages(trx, keys);
}

/** Like `lockImages`, of the tags that have a row. */
export async function lockKnownImages(trx: Db, keys: readonly ImageKey[]): Promise<Map<string, ImageRow>> {
  const { rows } = await sql<ImageRow>`
    select i.* from images i join ${namesOf(keys)} using (site, repository, tag)
    order by i.site, i.repository, i.tag for update of i`.execute(trx);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** The row of a tag that `lockImages` has locked. */
export function rowOf(rows: ReadonlyMap<string, ImageRow>, key: ImageKey): ImageRow {
  return rows.get(keyOf(key)) ?? newRow({ site: key.site, repository: key.repository, tag: key.tag });
}

/** Writes rows that `lockImages` has locked. */
export async function saveImages(trx: Db, rows: readonly ImageRow[]): Promise<void> {
  if (rows.length === 0) return;
  const json = JSON.stringify(rows.map((row) => ({ ...row, reason: row.reason === null ? null : clean(row.reason) })));
  await sql`
    update images i set
      digest = n.digest, sync = n.sync, verification = n.verification, reason = n.reason, code = n.code, attempts = n.attempts,
      bytes = n.bytes, look = n.look, look_end = n.look_end, look_digest = n.look_digest, overlap = n.overlap,
      looked_at = n.looked_at, verified_at = n.verified_at, verified_digest = n.verified_digest, changed_at = n.changed_at,
      received_at = n.received_at, missing_since = n.missing_since, missing_look = n.missing_look, out_of_scope = n.out_of_scope,
      difference = n.difference, put_digests = n.put_digests, referrers = n.referrers
    from jsonb_populate_recordset(null::images, ${json}::jsonb) n
    where i.site = n.site and i.repository = n.repository and i.tag = n.tag`.execute(trx);
}

/** Removes rows that `lockImages` has locked. */
export async function removeImages(trx: Db, keys: readonly ImageKey[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    delete from images i using ${namesOf(keys)} where i.site = n.site and i.repository = n.repository and i.tag = n.tag`.execute(trx);
}

function clean(reason: string): string {
  return reason.slice(0, LONGEST_REASON).replace(NUL, '');
}

function namesOf(keys: readonly ImageKey[]) {
  const column = (name: 'site' | 'repository' | 'tag'): string[] => keys.map((key) => key[name]);
  return sql`(select distinct * from unnest(${column('site')}::text[], ${column('repository')}::text[], ${column('tag')}::text[])
    as u(site, repository, tag)) n`;
}
