import { sql } from 'kysely';
import { NOW_MS, asked, type Ledger } from './ledger.ts';

/** A worker that has not been seen for this long is not counted: a starter looks every 5 s. */
export const WORKER_MS = 15_000;

/** Writes down that these workers of a site, by their identities, are there. @throws {TwinportError} LEDGER */
export async function heartbeatWorkers(ledger: Ledger, site: string, identities: readonly string[]): Promise<void> {
  if (identities.length === 0) return;
  await asked(() =>
    ledger.db
      .insertInto('workers')
      .values([...identities].sort().map((identity) => ({ site, identity, last_poll: NOW_MS })))
      .onConflict((conflict) => conflict.columns(['site', 'identity']).doUpdateSet({ last_poll: NOW_MS }))
      .execute(),
  );
}

const ASKED = 'workers-asked-at';

/** Whether nobody could ask for workers for so long that nothing is known of them; a ledger without a starter says no. */
export const UNASKED = sql`coalesce((select value::bigint < ${NOW_MS} - ${WORKER_MS}::bigint from meta where name = ${ASKED}), false)`;

/** Writes down that the workers of all sites were asked for, whether any was there or not. @throws {TwinportError} LEDGER */
export async function noteWorkersAsked(ledger: Ledger): Promise<void> {
  const value = sql<string>`${NOW_MS}::text`;
  await asked(() =>
    ledger.db
      .insertInto('meta')
      .values({ name: ASKED, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute(),
  );
}
