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
