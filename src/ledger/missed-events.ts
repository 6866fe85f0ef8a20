import { sql } from 'kysely';
import { asked, NOW_MS, type Ledger } from './ledger.ts';

/** Changes at the primary that a site's scans found and no event announced. */
export interface MissedEvents {
  /** Whose events the repository's, or else the site's, last ones were; `none`: nobody has ever sent any. */
  readonly source: string;
  readonly action: string;
  readonly missed: number;
  /** ISO 8601: when a scan found the last of them. */
  readonly lastAt: string;
  readonly lastReference: string;
}

/** An event may come after the scan that found its change; what has not come by then is missed. */
const GRACE_MS = 5 * 60_000;

/**
 * Tells of each change that a scan found at least `graceMs` ago whether an event announced it, and counts those that none did. Safe to repeat, and at
 * several places at once.
 * @returns how many were missed
 * @throws {TwinportError} LEDGER
 */
export async function settleFoundChanges(ledger: Ledger, graceMs = GRACE_MS): Promise<number> {
  const { rows } = await asked(() =>
    sql<{ missed: number }>`
      with due as (
        delete from found_changes where found_at < ${NOW_MS} - ${graceMs}::bigint returning *
      ), unannounced as (
        select d.*, coalesce(
          (select source from events e where e.repository = d.repository order by received_at desc limit 1),
          (select source from events order by id desc limit 1), 'none') as source
        from due d where not exists (
          select 1 from events e
          where e.repository = d.repository and e.action = d.action and e.received_at >= d.since - ${GRACE_MS}::bigint and case d.action
            when 'push' then e.tag = d.tag and (e.digest is null or e.digest = d.digest)
            else e.tag = d.tag or e.tag is null and (e.digest is null or e.digest = d.digest) end)
      ), counted as (
        insert into missed_events as m (site, source, action, missed, last_at, last_repository, last_tag)
        select site, source, action, count(*), max(found_at),
          (array_agg(repository order by found_at desc))[1], (array_agg(tag order by found_at desc))[1]
        from unannounced group by site, source, action
        on conflict (site, source, action) do update set missed = m.missed + excluded.missed, last_at = excluded.last_at,
          last_repository = excluded.last_repository, last_tag = excluded.last_tag
      )
      select count(*) as missed from unannounced`.execute(ledger.db),
  );
  return rows[0]?.missed ?? 0;
}

/** All that is missed at a site, as the status tells it: a JSON array of `MissedEvents`, of the row `n.name`. */
export const MISSED_EVENTS = sql`(
  select coalesce(jsonb_agg(jsonb_build_object('source', source, 'action', action, 'missed', missed, 'lastAt', last_at,
    'lastReference', last_repository || ':' || last_tag) order by source, action), '[]'::jsonb)
  from missed_events where site = n.name)`;
