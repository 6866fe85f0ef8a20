import { sql, type Selectable } from 'kysely';
import { TwinportError } from '../model/failure.ts';
import type { ImageKey } from './apply-outcome.ts';
import { DECISION_MS, ledgerNow, type DeletionRow } from './deletion-rows.ts';
import { asked, NOW_MS, type Db, type Ledger } from './ledger.ts';
import { pageOf, readCursor, type Page } from './paging.ts';
import type { DeletionState, MovesTable } from './schema.ts';

interface HeldTables {
  readonly deletions: DeletionRow;
  readonly moves: Selectable<MovesTable>;
}

/** What waits for a person, by the table that it lies in. */
export type HeldTable = keyof HeldTables;

/** What rows of both tables have. */
export interface HeldRow {
  readonly id: string;
  readonly repository: string;
  readonly tag: string;
  readonly state: DeletionState;
  readonly reason: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly decided_at: number | null;
  readonly decided_by: string | null;
}

/** What operators see of both; moments as ISO 8601. */
export interface HeldItem {
  readonly id: string;
  readonly repository: string;
  readonly tag: string;
  readonly reference: string;
  readonly state: string;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
}

/** What a decision concerns. */
export interface Decided {
  readonly repositories: string[];
  readonly count: number;
}

const PAGE = 100;
const VERDICTS = { approve: 'approved', reject: 'rejected' } as const;

/** A page of a site's rows in a state, by repository and tag. @throws {TwinportError} LEDGER, INVALID (cursor) */
export async function listHeld<N extends HeldTable, T>(
  ledger: Ledger,
  table: N,
  site: string,
  query: { readonly state: DeletionState; readonly cursor?: string; readonly limit?: number },
  itemOf: (row: HeldTables[N]) => T,
): Promise<Page<T>> {
  const limit = query.limit ?? PAGE;
  const [repository = '', tag = '', id = ''] = readCursor(query.cursor, 3);
  const { rows } = await asked(() =>
    sql<HeldTables[N]>`
      select * from ${sql.table(table)} where site = ${site} and state = ${query.state} and (repository, tag, id) > (${repository}, ${tag}, ${id})
      order by repository, tag, id limit ${limit + 1}`.execute(ledger.db),
  );
  return pageOf(rows, limit, itemOf, (row) => [row.repository, row.tag, row.id]);
}

/** What of one tag waits for a decision. */
export async function heldRow<N extends HeldTable>(
  db: Db,
  table: N,
  { site, repository, tag }: ImageKey,
): Promise<HeldTables[N] | undefined> {
  const { rows } = await sql<HeldTables[N]>`
    select * from ${sql.table(table)} where site = ${site} and state = 'held' and repository = ${repository} and tag = ${tag}
      and coalesce(expires_at > ${NOW_MS}, true)`.execute(db);
  return rows[0];
}

/**
 * Approves or rejects what is held, those named or all; the caller holds the lock of the table's site, if there is one.
 * @returns whose repositories' workflows are to look again
 * @throws {TwinportError} NOT_FOUND (an id that waits for no decision; nothing is changed then)
 */
export async function decideHeld(
  trx: Db,
  table: HeldTable,
  site: string,
  { ids, decision, actor }: { readonly ids: readonly string[] | 'all'; readonly decision: 'approve' | 'reject'; readonly actor: string },
): Promise<Decided> {
  const now = await ledgerNow(trx);
  const state = VERDICTS[decision];
  const which = ids === 'all' ? sql`state = 'held'` : sql`id = any(${ids}::text[])`;
  const { rows: found } = await sql<HeldRow>`
    select * from ${sql.table(table)} where site = ${site} and ${which} order by id for update`.execute(trx);
  const waiting = found.filter((row) => row.state === 'held' && (row.expires_at ?? Infinity) > now);
  // Said twice is said once: a retried request must not fail.
  const already = ids === 'all' ? [] : found.filter((row) => row.state === state);
  const all = [...waiting, ...already];
  if (ids !== 'all') requireAll(table, ids, all);
  await sql`
    update ${sql.table(table)} set state = ${state}, decided_at = ${now}::bigint, decided_by = ${actor},
      expires_at = ${decision === 'approve' ? now + DECISION_MS : null}::bigint
    where id = any(${waiting.map(({ id }) => id)}::text[])`.execute(trx);
  return { repositories: [...new Set(all.map((row) => row.repository))].sort(), count: all.length };
}

function requireAll(table: HeldTable, ids: readonly string[], found: readonly HeldRow[]): void {
  const known = new Set(found.map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  const what = table === 'deletions' ? 'deletion' : 'move';
  throw new TwinportError('NOT_FOUND', `no ${what} waits for a decision under ${unknown.join(', ')}; list them anew, nothing was changed`, {
    retry: 'never',
  });
}

/** What both tables' rows look like to operators. */
export function heldItem(row: HeldRow): HeldItem {
  const { id, repository, tag, state, reason } = row;
  return {
    ...{ id, repository, tag, reference: `${repository}:${tag}`, state, reason },
    ...{ createdAt: new Date(row.created_at).toISOString(), expiresAt: isoOf(row.expires_at) },
    ...{ decidedAt: isoOf(row.decided_at), decidedBy: row.decided_by },
  };
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
