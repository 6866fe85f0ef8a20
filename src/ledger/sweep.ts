import { sql, type RawBuilder } from 'kysely';
import { expireDeletions } from './deletion-rows.ts';
import { recountImages } from './image-counts.ts';
import { expireMoves } from './moves.ts';
import { asked, NOW_MS, type Ledger } from './ledger.ts';
import { keepRecoveryPoints } from './recovery-point.ts';
import { SAMPLES_MS } from './site-samples.ts';

/** How long the ledger keeps what it no longer needs, in milliseconds. */
export interface LedgerRetention {
  readonly inboxMs: number;
  readonly auditMs: number;
  readonly historyMs: number;
  /** Received events and scans: as long as the history, if absent. */
  readonly eventsMs?: number;
  readonly scansMs?: number;
  /** An image that has been `started` for so long has no open workflow: a day, if absent. */
  readonly startedMs?: number;
}

/** How many rows went, or changed; `recounted`: sites whose counts were wrong. */
export type Swept = Readonly<
  Record<'events' | 'audit' | 'history' | 'inbox' | 'scans' | 'deletions' | 'expired' | 'started' | 'recounted', number>
>;

/** Rows at a time: a statement must not take longer than any other may wait. */
const BATCH = 5_000;
const WORKERS_MS = 86_400_000;
const STARTED_MS = 86_400_000;

/**
 * Removes what is older than the retention, expires what nobody decided, takes back what was started and never ended, and counts the images anew once a day.
 * Safe to repeat, and at several places at once.
 * @throws {TwinportError} LEDGER
 */
export async function sweep(ledger: Ledger, retention: LedgerRetention): Promise<Swept> {
  const expired = (await asked(() => expireDeletions(ledger.db))) + (await asked(() => expireMoves(ledger.db)));
  const started = await pendAbandoned(ledger, retention.startedMs ?? STARTED_MS);
  await asked(() => keepRecoveryPoints(ledger.db));
  const old = (column: string, ms: number) => sql`${sql.ref(column)} < ${NOW_MS} - ${ms}::bigint`;
  const counts = {
    events: await remove(ledger, 'events', old('received_at', retention.eventsMs ?? retention.historyMs)),
    audit: await remove(ledger, 'audit', old('at', retention.auditMs)),
    history: await remove(ledger, 'tag_history', old('at', retention.historyMs)),
    inbox: await remove(ledger, 'inbox', old('received_at', retention.inboxMs)),
    scans: await remove(ledger, 'scans', sql`${old('started_at', retention.scansMs ?? retention.historyMs)} and not ${LATEST}`),
    deletions: await remove(ledger, 'deletions', sql`${old('created_at', retention.historyMs)} and ${SETTLED}`),
  };
  await remove(ledger, 'moves', sql`${old('created_at', retention.historyMs)} and t.state in ('done', 'cancelled', 'expired')`);
  await remove(ledger, 'scan_pages', sql`not exists (select 1 from scans s where s.id = t.scan)`);
  await remove(ledger, 'canaries', old('pushed_at', retention.historyMs));
  await remove(ledger, 'workers', old('last_poll', WORKERS_MS));
  await remove(ledger, 'site_samples', old('at', SAMPLES_MS));
  const recounted = (await recountImages(ledger)).length;
  return { ...counts, expired, started, recounted };
}

/** The scan that a repository's counts are of, and the site's latest catalog. */
const LATEST = sql`(exists (select 1 from repositories r where r.site = t.site and r.repository = t.repository and r.last_scan = t.id)
  or t.repository is null and exists (select 1 from sites s where s.name = t.site and s.catalog_at = t.started_at))`;
/** A rejection stands as long as the image does, or the same question would be asked again. */
const SETTLED = sql`(t.state in ('done', 'cancelled', 'expired') or t.state = 'rejected'
  and not exists (select 1 from images i where i.site = t.site and i.repository = t.repository and i.tag = t.tag))`;

async function remove(ledger: Ledger, table: string, where: RawBuilder<unknown>): Promise<number> {
  let removed = 0;
  for (;;) {
    const result = await asked(() =>
      sql`delete from ${sql.table(table)} where ctid = any(array(select t.ctid from ${sql.table(table)} t where ${where} limit ${BATCH}))`.execute(
        ledger.db,
      ),
    );
    const count = Number(result.numAffectedRows ?? 0);
    removed += count;
    if (count < BATCH) return removed;
  }
}

async function pendAbandoned(ledger: Ledger, ms: number): Promise<number> {
  const result = await asked(() =>
    sql`update images set sync = 'pending', verification = 'pending' where sync = 'started' and looked_at < ${NOW_MS} - ${ms}::bigint`.execute(
      ledger.db,
    ),
  );
  return Number(result.numAffectedRows ?? 0);
}
