import { sql } from 'kysely';
import type { JudgePrimaryInput, JudgePrimaryResult } from '../model/guard-steps.ts';
import { TwinportError } from '../model/failure.ts';
import { isTelling, judgeSample, SAMPLE } from '../model/regression.ts';
import type { PositiveControl } from '../model/steps.ts';
import { auditIn } from './audit.ts';
import { VERIFIED } from './images.ts';
import { NOW_MS, transact, type Db, type Ledger } from './ledger.ts';

/** What a site's status says of a primary that lacks what was verified from it; `since` as ISO 8601. */
export interface Regression {
  readonly state: 'held' | 'approved' | 'rejected';
  readonly since: string;
  readonly sampled: number;
  readonly missing: number;
}

/** Whether nothing at a site may be overwritten or deleted. */
export async function isHeld(trx: Db, site: string): Promise<boolean> {
  const row = await trx.selectFrom('regressions').select('state').where('site', '=', site).executeTakeFirst();
  return row !== undefined && row.state !== 'approved';
}

/** Whether anything is said of a site's primary. */
export async function isDoubted(trx: Db, site: string): Promise<boolean> {
  return (await trx.selectFrom('regressions').select('site').where('site', '=', site).executeTakeFirst()) !== undefined;
}

/**
 * What to ask the primary for: digests that were verified from it and that it is not known to lack, each once. Where too few of them are where they should
 * be, what tags that moved were verified at counts too.
 */
export async function sampleOf(trx: Db, site: string): Promise<PositiveControl[]> {
  const { rows } = await sql<PositiveControl & { settled: boolean }>`
    select * from (
      select distinct on (verified_digest) repository, tag, verified_digest as digest, coalesce(${VERIFIED}, false) as settled
      from images where site = ${site} and verified_digest is not null and missing_since is null and not out_of_scope
      order by verified_digest, settled desc) known
    order by settled desc, random() limit ${SAMPLE}`.execute(trx);
  const settled = rows.filter((row) => row.settled);
  return (isTelling(settled.length) ? settled : rows).map(({ repository, tag, digest }) => ({ repository, tag, digest }));
}

/**
 * Records what a sample said of a site's primary: one that has regressed holds the site, a later good one lets it go.
 * @throws {TwinportError} LEDGER
 */
export function judgePrimary(ledger: Ledger, { policy, sampled, missing }: JudgePrimaryInput): Promise<JudgePrimaryResult> {
  const { site } = policy;
  return transact(ledger, async (trx) => {
    const verdict = judgeSample(sampled, missing);
    const known = await trx.selectFrom('regressions').selectAll().where('site', '=', site).forUpdate().executeTakeFirst();
    const detail = { sampled, missing };
    if (verdict === 'good' && known) {
      await trx.deleteFrom('regressions').where('site', '=', site).execute();
      await auditIn(trx, { actor: 'twinport', action: 'primary good again', site, detail });
    }
    if (verdict === 'regressed') {
      const row = { site, state: 'held' as const, since: NOW_MS, ...detail };
      await trx
        .insertInto('regressions')
        .values(row)
        .onConflict((conflict) => conflict.column('site').doUpdateSet(detail))
        .execute();
      if (!known) await auditIn(trx, { actor: 'twinport', action: 'primary regressed', site, detail });
    }
    const regressed = verdict !== 'good' && (await isHeld(trx, site));
    return { summary: `the primary is ${verdict === 'unknown' ? 'not known to be good' : verdict}`, regressed };
  });
}

/**
 * Lets a site follow a primary that has regressed, or keeps it from that until the primary is good again.
 * @throws {TwinportError} NOT_FOUND (nothing is held), LEDGER
 */
export function decideRegression(ledger: Ledger, site: string, decision: 'approve' | 'reject', actor: string): Promise<void> {
  return transact(ledger, async (trx) => {
    const row = await trx
      .updateTable('regressions')
      .set({ state: decision === 'approve' ? 'approved' : 'rejected', decided_at: NOW_MS, decided_by: actor })
      .where('site', '=', site)
      .returning(['sampled', 'missing'])
      .executeTakeFirst();
    if (!row) throw new TwinportError('NOT_FOUND', `site "${site}" is not held for its primary`, { retry: 'never' });
    await auditIn(trx, { actor, action: `primary ${decision}`, site, detail: row });
  });
}
