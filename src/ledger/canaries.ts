import { sql } from 'kysely';
import { asked, NOW_MS, transact, type Ledger } from './ledger.ts';

/** What became of the artifacts that Twinport pushes to the primary, to see whether and when their events come. */
export interface CanaryStatus {
  /** Of the latest: its event came; is still awaited; did not come within 5 minutes; or the push itself failed. */
  readonly state: 'received' | 'waiting' | 'missed' | 'failed';
  /** ISO 8601 */
  readonly pushedAt: string;
  /** From the push to its event's receipt; null where none came. */
  readonly seconds: number | null;
  readonly source: string | null;
  readonly failure: string | null;
  /** Of the last 24 hours. */
  readonly received: number;
  readonly missed: number;
  readonly failed: number;
}

const MISSED_MS = 5 * 60_000;
const DAY_MS = 86_400_000;
/** Clocks of starters differ from the ledger's. */
const SKEW_MS = 5_000;

/**
 * Takes the turn to push, if it is due: of several starters one does.
 * @returns which one of the artifacts it is; `undefined`: not yet, or another starter does
 */
export async function takeCanaryTurn(ledger: Ledger, repository: string, everyMs: number): Promise<number | undefined> {
  return transact(ledger, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('twinport canary'), 0)`.execute(trx);
    const { rows } = await sql<{ id: number }>`
      insert into canaries (repository, pushed_at) select ${repository}, ${NOW_MS}
      where not exists (select 1 from canaries where pushed_at > ${NOW_MS} - ${everyMs}::bigint) returning id`.execute(trx);
    return rows[0]?.id;
  });
}

/** Records that this artifact is being pushed from now on. @throws {TwinportError} LEDGER */
export async function recordCanaryPush(ledger: Ledger, id: number, digest: string): Promise<void> {
  await asked(() => ledger.db.updateTable('canaries').set({ digest, pushed_at: NOW_MS }).where('id', '=', id).execute());
}

/** Records why it could not be pushed. @throws {TwinportError} LEDGER */
export async function recordCanaryFailure(ledger: Ledger, id: number, failure: string): Promise<void> {
  await asked(() =>
    ledger.db
      .updateTable('canaries')
      .set({ failure: failure.slice(0, 1_000) })
      .where('id', '=', id)
      .execute(),
  );
}

/** Finds the events of what was pushed. @returns how many came @throws {TwinportError} LEDGER */
export async function matchCanaries(ledger: Ledger, tag: string): Promise<number> {
  const result = await asked(() =>
    sql`
      update canaries c set received_at = e.received_at, source = e.source
      from (
        select c.id, e.received_at, e.source from canaries c cross join lateral (
          select received_at, source from events e
          where e.repository = c.repository and e.action = 'push' and e.received_at >= c.pushed_at - ${SKEW_MS}::bigint
            and (e.digest = c.digest or e.digest is null and e.tag = ${tag})
          order by received_at limit 1) e
        where c.received_at is null and c.digest is not null and c.failure is null
      ) e where c.id = e.id`.execute(ledger.db),
  );
  return Number(result.numAffectedRows ?? 0);
}

/** How the canary is, of the whole primary, as JSON; null where none was ever pushed. Moments are milliseconds. */
export const CANARY = sql`(
  select jsonb_build_object('pushedAt', c.pushed_at, 'receivedAt', c.received_at, 'source', c.source, 'failure', c.failure,
    'received', d.received, 'missed', d.missed, 'failed', d.failed)
  from (select * from canaries order by id desc limit 1) c, (
    select count(*) filter (where received_at is not null) as received,
      count(*) filter (where received_at is null and failure is null and pushed_at < ${NOW_MS} - ${MISSED_MS}::bigint) as missed,
      count(*) filter (where failure is not null) as failed
    from canaries where pushed_at > ${NOW_MS} - ${DAY_MS}::bigint) d)`;

/** As `CANARY` gives it. */
export interface CanaryRow extends Omit<CanaryStatus, 'state' | 'pushedAt' | 'seconds'> {
  readonly pushedAt: number;
  readonly receivedAt: number | null;
}

/** @param now by the ledger's clock */
export function canaryStatus({ pushedAt, receivedAt, source, failure, received, missed, failed }: CanaryRow, now: number): CanaryStatus {
  const late = now - pushedAt > MISSED_MS;
  const state = failure !== null ? 'failed' : receivedAt !== null ? 'received' : late ? 'missed' : 'waiting';
  const seconds = receivedAt === null ? null : Math.max(0, receivedAt - pushedAt) / 1_000;
  return { state, pushedAt: new Date(pushedAt).toISOString(), seconds, source, failure, received, missed, failed };
}
