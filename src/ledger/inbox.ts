import { sql } from 'kysely';
import type { Change } from '../model/change.ts';
import { asked, NOW_MS, type Ledger } from './ledger.ts';

/** What waits to be handed to Temporal: one site's share of a change. */
export interface InboxEntry {
  readonly id: number;
  readonly site: string;
  readonly change: Change;
  readonly receivedAt: number;
  /** How often it was taken, this time included. */
  readonly attempts: number;
}

const LEASE_MS = 30_000;

/** Keeps changes that Temporal did not take, in one insert. @throws {TwinportError} LEDGER */
export async function putInbox(ledger: Ledger, entries: readonly Pick<InboxEntry, 'site' | 'change' | 'receivedAt'>[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ site, change, receivedAt }) => ({
    site,
    change: JSON.stringify(change),
    received_at: Math.round(receivedAt),
    leased_until: 0,
  }));
  await asked(() => ledger.db.insertInto('inbox').values(rows).execute());
}

/** Takes entries, least tried and oldest first; who does not end with `doneInbox` within the lease loses them to the next. @throws {TwinportError} LEDGER */
export async function takeInbox(ledger: Ledger, limit: number, leaseMs = LEASE_MS): Promise<InboxEntry[]> {
  const { rows } = await asked(() =>
    sql<InboxEntry>`
      with taken as (
        select id from inbox where leased_until <= ${NOW_MS} order by attempts, id limit ${limit} for update skip locked
      ), leased as (
        update inbox i set leased_until = ${NOW_MS} + ${leaseMs}::bigint, attempts = attempts + 1 from taken where i.id = taken.id
        returning i.id, i.site, i.change, i.received_at as "receivedAt", i.attempts
      )
      select * from leased order by attempts, id`.execute(ledger.db),
  );
  return rows;
}

/** Forgets entries that Temporal holds now. @throws {TwinportError} LEDGER */
export async function doneInbox(ledger: Ledger, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await asked(() => ledger.db.deleteFrom('inbox').where('id', 'in', ids).execute());
}

/** Gives entries back that were taken, and not dealt with. @throws {TwinportError} LEDGER */
export async function returnInbox(ledger: Ledger, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await asked(() => ledger.db.updateTable('inbox').set({ leased_until: 0 }).where('id', 'in', ids).execute());
}

/** How many entries wait. @throws {TwinportError} LEDGER */
export async function inboxDepth(ledger: Ledger): Promise<number> {
  const row = await asked(() =>
    ledger.db
      .selectFrom('inbox')
      .select(({ fn }) => fn.countAll<number>().as('depth'))
      .executeTakeFirst(),
  );
  return row?.depth ?? 0;
}
