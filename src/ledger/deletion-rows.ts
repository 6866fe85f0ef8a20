import { randomBytes } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { ImageKey } from './apply-outcome.ts';
import { NOW_MS, type Db } from './ledger.ts';
import type { DeletionsTable, DeletionState } from './schema.ts';

export type DeletionRow = Selectable<DeletionsTable>;

/** A held deletion waits this long for a person, an approved one for its execution. */
export const DECISION_MS = 7 * 86_400_000;

/** Deletions and moves that bind what may become of their tag. */
export const STANDING: readonly DeletionState[] = ['reserved', 'held', 'approved', 'rejected'];

/** Deletions of one site are planned and settled one transaction after the other, so that two repositories cannot spend one budget twice. */
export async function lockDeletions(trx: Db, site: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('twinport deletions'), hashtext(${site}))`.execute(trx);
}

/** The ledger's clock now, in milliseconds since the epoch. */
export async function ledgerNow(db: Db): Promise<number> {
  const { rows } = await sql<{ now: number }>`select ${NOW_MS} as now`.execute(db);
  return rows[0]?.now ?? 0;
}

/** An id short enough to be typed. */
export function newDeletionId(): string {
  return randomBytes(6).toString('hex');
}

/** Puts deletions into a state, with what else changes. */
export async function setDeletions(
  trx: Db,
  ids: readonly string[],
  change: Partial<DeletionRow> & { state: DeletionState },
): Promise<void> {
  if (ids.length > 0) await trx.updateTable('deletions').set(change).where('id', 'in', ids).execute();
}

/**
 * A tag that the primary holds is not to be deleted, whatever was decided. A reservation too: what it was granted on is no evidence for the next
 * time that the tag is missing. If it is being carried out at this very moment, its outcome is recorded all the same.
 */
export async function cancelDeletions(trx: Db, tags: readonly ImageKey[]): Promise<void> {
  if (tags.length === 0) return;
  const column = (name: 'site' | 'repository' | 'tag'): string[] => tags.map((key) => key[name]);
  await sql`
    update deletions d set state = 'cancelled', reason = 'the primary holds the tag', done_at = ${NOW_MS}
    from unnest(${column('site')}::text[], ${column('repository')}::text[], ${column('tag')}::text[]) as n(site, repository, tag)
    where d.site = n.site and d.repository = n.repository and d.tag = n.tag and d.state in ('reserved', 'held', 'approved')`.execute(trx);
}

/** Held and approved deletions that nobody dealt with in time, and tags that were to be brought back. @returns how many */
export async function expireDeletions(trx: Db, site?: string): Promise<number> {
  const only = site === undefined ? sql`` : sql` and site = ${site}`;
  const result = await sql`
    update deletions set state = 'expired', done_at = ${NOW_MS}
    where state in ('held', 'approved', 'reserved') and expires_at < ${NOW_MS}${only}`.execute(trx);
  return Number(result.numAffectedRows ?? 0);
}
