import { sql } from 'kysely';
import { asked, type Ledger } from './ledger.ts';

/** A worker that polls a site's queues, and when it last did, in milliseconds since the epoch. */
export interface WorkerPoll {
  readonly identity: string;
  readonly lastPoll: number;
}

/** A worker that has not polled for this long is not counted. */
export const WORKER_MS = 60_000;

/** Writes down when each worker of a site last polled. @throws {TwinportError} LEDGER */
export async function heartbeatWorkers(ledger: Ledger, site: string, workers: readonly WorkerPoll[]): Promise<void> {
  if (workers.length === 0) return;
  const sorted = [...workers].sort((a, b) => (a.identity < b.identity ? -1 : 1));
  await asked(() =>
    ledger.db
      .insertInto('workers')
      .values(sorted.map(({ identity, lastPoll }) => ({ site, identity, last_poll: Math.round(lastPoll) })))
      .onConflict((conflict) =>
        conflict.columns(['site', 'identity']).doUpdateSet({ last_poll: sql`greatest(workers.last_poll, excluded.last_poll)` }),
      )
      .execute(),
  );
}
