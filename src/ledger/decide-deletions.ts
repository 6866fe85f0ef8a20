import { TwinportError } from '../model/failure.ts';
import { DECISION_MS, ledgerNow, lockDeletions, setDeletions, type DeletionRow } from './deletion-rows.ts';
import { asked, transact, type Db, type Ledger } from './ledger.ts';
import { pageOf, readCursor, type Page } from './paging.ts';
import type { DeletionState } from './schema.ts';

/** A deletion as operators see it; moments as ISO 8601. */
export interface HeldDeletion {
  readonly id: string;
  readonly repository: string;
  readonly tag: string;
  readonly reference: string;
  readonly digest: string;
  readonly state: string;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
}

/** Which deletions to list; `deleted` is what was carried out. */
export interface DeletionQuery {
  readonly state?: DeletionState | 'deleted';
  readonly cursor?: string;
  readonly limit?: number;
}

/** What a decision concerns. */
export interface Decided {
  readonly repositories: string[];
  readonly count: number;
}

const PAGE = 100;
const VERDICTS = { approve: 'approved', reject: 'rejected' } as const;

/** A page of a site's deletions, by repository and tag; those that wait for a decision unless a state is given. @throws {TwinportError} LEDGER, INVALID (cursor) */
export async function listDeletions(ledger: Ledger, site: string, query: DeletionQuery = {}): Promise<Page<HeldDeletion>> {
  const limit = query.limit ?? PAGE;
  const [repository = '', tag = '', id = ''] = readCursor(query.cursor, 3);
  const state = query.state === 'deleted' ? 'done' : (query.state ?? 'held');
  const rows = await asked(() =>
    ledger.db
      .selectFrom('deletions')
      .selectAll()
      .where('site', '=', site)
      .where('state', '=', state)
      .where(({ eb, refTuple, tuple }) => eb(refTuple('repository', 'tag', 'id'), '>', tuple(repository, tag, id)))
      .orderBy('repository')
      .orderBy('tag')
      .orderBy('id')
      .limit(limit + 1)
      .execute(),
  );
  return pageOf(rows, limit, heldDeletion, (row) => [row.repository, row.tag, row.id]);
}

/**
 * Approves or rejects held deletions, those named or all.
 * @returns whose repositories' workflows are to look again
 * @throws {TwinportError} NOT_FOUND (an id that waits for no decision; nothing is changed then), LEDGER
 */
export function decideDeletions(
  ledger: Ledger,
  site: string,
  ids: readonly string[] | 'all',
  decision: 'approve' | 'reject',
  actor: string,
): Promise<Decided> {
  return transact(ledger, async (trx) => {
    await lockDeletions(trx, site);
    const now = await ledgerNow(trx);
    const state = VERDICTS[decision];
    const found = await openDeletions(trx, site, ids);
    const waiting = found.filter((row) => row.state === 'held' && (row.expires_at ?? Infinity) > now);
    // Said twice is said once: a retried request must not fail.
    const already = ids === 'all' ? [] : found.filter((row) => row.state === state);
    requireAll(ids, [...waiting, ...already]);
    const change = { state, decided_at: now, decided_by: actor, expires_at: decision === 'approve' ? now + DECISION_MS : null };
    await setDeletions(
      trx,
      waiting.map(({ id }) => id),
      change,
    );
    const all = [...waiting, ...already];
    return { repositories: [...new Set(all.map((row) => row.repository))].sort(), count: all.length };
  });
}

function openDeletions(trx: Db, site: string, ids: readonly string[] | 'all'): Promise<DeletionRow[]> {
  const query = trx.selectFrom('deletions').selectAll().where('site', '=', site).orderBy('id').forUpdate();
  if (ids === 'all') return query.where('state', '=', 'held').execute();
  return ids.length === 0 ? Promise.resolve([]) : query.where('id', 'in', ids).execute();
}

function requireAll(ids: readonly string[] | 'all', found: readonly DeletionRow[]): void {
  if (ids === 'all') return;
  const known = new Set(found.map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  throw new TwinportError(
    'NOT_FOUND',
    `no deletion waits for a decision under ${unknown.join(', ')}; list them anew, nothing was changed`,
    { retry: 'never' },
  );
}

function heldDeletion(row: DeletionRow): HeldDeletion {
  const { id, repository, tag, digest, reason } = row;
  return {
    id,
    repository,
    tag,
    reference: `${repository}:${tag}`,
    digest,
    state: row.state === 'done' ? 'deleted' : row.state,
    reason,
    createdAt: new Date(row.created_at).toISOString(),
    expiresAt: isoOf(row.expires_at),
    decidedAt: isoOf(row.decided_at),
    decidedBy: row.decided_by,
  };
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
