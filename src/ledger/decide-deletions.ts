import { lockDeletions, type DeletionRow } from './deletion-rows.ts';
import { decideHeld, heldItem, listHeld, type Decided, type HeldItem } from './held-rows.ts';
import { transact, type Ledger } from './ledger.ts';
import type { Page } from './paging.ts';
import type { DeletionState } from './schema.ts';

/** A deletion as operators see it; moments as ISO 8601. */
export interface HeldDeletion extends HeldItem {
  readonly digest: string;
}

/** Which deletions to list; `deleted` is what was carried out. */
export interface DeletionQuery {
  readonly state?: DeletionState | 'deleted';
  readonly cursor?: string;
  readonly limit?: number;
}

/** A page of a site's deletions, by repository and tag; those that wait for a decision unless a state is given. @throws {TwinportError} LEDGER, INVALID (cursor) */
export function listDeletions(ledger: Ledger, site: string, query: DeletionQuery = {}): Promise<Page<HeldDeletion>> {
  const state = query.state === 'deleted' ? 'done' : (query.state ?? 'held');
  return listHeld(ledger, 'deletions', site, { ...query, state }, heldDeletion);
}

/** What operators see of a row. */
export function heldDeletion(row: DeletionRow): HeldDeletion {
  return { ...heldItem(row), digest: row.digest, state: row.state === 'done' ? 'deleted' : row.state };
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
    return decideHeld(trx, 'deletions', site, { ids, decision, actor });
  });
}
