import type { Selectable } from 'kysely';
import { decideHeld, heldItem, listHeld, type Decided, type HeldItem } from './held-rows.ts';
import { transact, type Ledger } from './ledger.ts';
import type { Page } from './paging.ts';
import type { DeletionState, MovesTable } from './schema.ts';

/** A move back as operators see it; moments as ISO 8601. */
export interface HeldMove extends HeldItem {
  /** What the tag stands for at the secondary, and where the primary moved it. */
  readonly from: string;
  readonly to: string;
}

/** Which moves to list; `moved` is what was carried out. */
export interface MoveQuery {
  readonly state?: DeletionState | 'moved';
  readonly cursor?: string;
  readonly limit?: number;
}

/** A page of a site's moves back, by repository and tag; those that wait for a decision unless a state is given. @throws {TwinportError} LEDGER, INVALID (cursor) */
export function listMoves(ledger: Ledger, site: string, query: MoveQuery = {}): Promise<Page<HeldMove>> {
  const state = query.state === 'moved' ? 'done' : (query.state ?? 'held');
  return listHeld(ledger, 'moves', site, { ...query, state }, heldMove);
}

/** What operators see of a row. */
export function heldMove(row: Selectable<MovesTable>): HeldMove {
  return { ...heldItem(row), from: row.from_digest, to: row.to_digest, state: row.state === 'done' ? 'moved' : row.state };
}

/**
 * Approves or rejects held moves, those named or all; what is rejected stays as it is until the primary moves the tag elsewhere.
 * @returns whose repositories' workflows are to look again
 * @throws {TwinportError} NOT_FOUND (an id that waits for no decision; nothing is changed then), LEDGER
 */
export function decideMoves(
  ledger: Ledger,
  site: string,
  ids: readonly string[] | 'all',
  decision: 'approve' | 'reject',
  actor: string,
): Promise<Decided> {
  return transact(ledger, (trx) => decideHeld(trx, 'moves', site, { ids, decision, actor }));
}
