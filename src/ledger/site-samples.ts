import { sql } from 'kysely';
import { ledgerNow } from './deletion-rows.ts';
import { COUNTED, VERIFIED } from './images.ts';
import { asked, type Ledger } from './ledger.ts';
import type { SiteStatus } from './site-status.ts';

/** How a site was at a moment, ISO 8601, or, in a stretch of several samples, at its worst and at its end. */
export interface SiteSample {
  readonly at: string;
  readonly lagSeconds: number | null;
  readonly recoveryPointSeconds: number | null;
  readonly total: number;
  readonly verified: number;
  readonly failed: number;
  readonly pending: number;
  /** Verified since the sample before, those again too; and their size. */
  readonly images: number;
  readonly bytes: number;
}

const EVERY_MS = 60_000;
/** As many points as a curve can show. */
const MOST_POINTS = 720;

/** Samples are kept this long. */
export const SAMPLES_MS = 7 * 86_400_000;

/**
 * Keeps how sites are, a row a site and minute: several who do so at a time keep one.
 * @param now by default the ledger's clock
 * @throws {TwinportError} LEDGER
 */
export async function keepSamples(ledger: Ledger, statuses: readonly SiteStatus[], now?: number): Promise<void> {
  const at = Math.floor((now ?? (await asked(() => ledgerNow(ledger.db)))) / EVERY_MS) * EVERY_MS;
  for (const { name, lagSeconds, recoveryPointSeconds, total, verified, failed, pending } of statuses) {
    await asked(() =>
      sql`
        insert into site_samples (site, at, lag_seconds, recovery_point_seconds, total, verified, failed, pending, images, bytes)
        select ${name}, ${at}::bigint, ${lagSeconds}::bigint, ${recoveryPointSeconds}::bigint, ${total}::bigint, ${verified}::bigint,
          ${failed}::bigint, ${pending}::bigint, v.images, v.bytes
        from (select coalesce(max(at), ${at}::bigint - ${EVERY_MS}::bigint) as at from site_samples where site = ${name}) p
        cross join lateral (
          select count(*) as images, coalesce(sum(bytes), 0) as bytes from images
          where site = ${name} and coalesce(changed_at, verified_at) >= p.at and verified_at >= p.at and verified_at < ${at}::bigint and ${COUNTED} and ${VERIFIED}) v
        on conflict do nothing`.execute(ledger.db),
    );
  }
}

/** How a site was over the last `ms` milliseconds, the oldest first. @throws {TwinportError} LEDGER */
export async function listSamples(ledger: Ledger, site: string, ms: number): Promise<SiteSample[]> {
  const stretch = EVERY_MS * Math.ceil(ms / EVERY_MS / MOST_POINTS);
  const last = (column: string) => sql`(array_agg(${sql.ref(column)} order by at desc))[1]`;
  const { rows } = await asked(() =>
    sql<Omit<SiteSample, 'at'> & { at: number }>`
      select max(at) as at, max(lag_seconds) as "lagSeconds", max(recovery_point_seconds) as "recoveryPointSeconds",
        ${last('total')} as total, ${last('verified')} as verified, ${last('failed')} as failed, ${last('pending')} as pending,
        sum(images)::bigint as images, sum(bytes)::bigint as bytes
      from site_samples where site = ${site} and at > (select max(at) from site_samples where site = ${site}) - ${ms}::bigint
      group by at / ${stretch}::bigint order by 1`.execute(ledger.db),
  );
  return rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
}
