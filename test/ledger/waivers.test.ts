import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { setTimeout } from 'node:timers/promises';
import {
  imageDetail,
  listImages,
  listWaivers,
  markVerification,
  recordBackfill,
  recordCatalogPage,
  recordCatalogScan,
  recordScan,
  siteStatus,
  unwaiveImages,
  waiveImages,
} from '../../src/ledger/index.ts';
import type { CompareRepositoryResult, ImageOutcome } from '../../src/model/steps.ts';
import { NO_WORK } from '../../src/model/work.ts';
import { all, differs, failed, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'team/app';
const bad = { repository, tag: 'bad' };
const because = { reason: 'lost at the primary', actor: 'api' };
const UNREADABLE = { code: 'UNAVAILABLE', message: 'no', retry: 'now' } as const;

const scan = (site: string, began: number, found: CompareRepositoryResult) =>
  recordScan(use.ledger, { policy: policyOf(site), repository, scan: `${site}/${began}`, page: found, verify: 'auto' }, began + 10, all);
const mark = (site: string, outcome: ImageOutcome) =>
  markVerification(use.ledger, { policy: policyOf(site), repository, outcomes: [outcome] }, outcome.look + 5);
const status = async (site: string) => (await siteStatus(use.ledger, [site]))[0];
const pointOf = async (site: string): Promise<number | undefined> => {
  const at = (await status(site))?.recoveryPoint;
  return at == null ? undefined : Date.parse(at);
};

/** A listed site of one repository, with one good image and one that fails at digest 2. */
async function siteWithFailure(site: string): Promise<void> {
  await recordCatalogPage(use.ledger, site, { startedAt: 900, repositories: [repository] });
  await recordCatalogScan(use.ledger, site, { scan: `${site}/900`, startedAt: 900, pages: 1, complete: true, listed: 1, excluded: 0 });
  await recordBackfill(use.ledger, site, { state: 'done', done: 1, total: 1, excluded: 0, failures: [], work: NO_WORK });
  await scan(site, 1000, page(1000, [differs('bad', 2), differs('good', 1)]));
  await mark(site, synced('good', 1, 1100));
  await mark(site, failed('bad', 1200));
}

describe('a waiver', () => {
  it('of several images holds up no record of another one while it waits for them', async () => {
    const site = 'waits';
    await siteWithFailure(site);
    for (const tag of ['other', 'worse']) await mark(site, failed(tag, 1200));
    let waived: Promise<number> | undefined;
    await use.ledger.db.transaction().execute(async (trx) => {
      await trx.selectFrom('images').select('tag').where('site', '=', site).where('tag', '=', 'worse').forUpdate().execute();
      waived = waiveImages(use.ledger, site, [bad, { repository, tag: 'worse' }], because);
      // Not within the transaction: that would see for ever the connections that there were when it asked first.
      const waits = sql<{ n: number }>`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`;
      let over = false;
      void waived.finally(() => (over = true)).catch(() => undefined);
      while (!over && (await waits.execute(use.ledger.db)).rows[0]?.n === 0) await setTimeout(10);
      await mark(site, synced('other', 2, 1300));
    });
    expect(await waived).toBe(2);
  });

  it('closes scans at once, is counted and audited, and makes nothing verified or ready', async () => {
    const site = 'waived';
    await siteWithFailure(site);
    expect(await pointOf(site)).toBeUndefined();
    expect(await waiveImages(use.ledger, site, [bad], because)).toBe(1);
    expect(await pointOf(site)).toBe(900);
    expect(await status(site)).toMatchObject({
      ...{ ready: false, reason: '1 image failed (1 waived)', failed: 1, waived: 1, verified: 1, total: 2, lagSeconds: 0 },
    });
    expect(await imageDetail(use.ledger, { site, repository, tag: 'bad' })).toMatchObject({
      sync: 'failed',
      verification: 'pending',
      waived: true,
    });
    expect((await listImages(use.ledger, site, { state: 'waived' })).items).toMatchObject([{ tag: 'bad' }]);
    const { items } = await listWaivers(use.ledger, site);
    expect(items).toMatchObject([{ reference: 'team/app:bad', reason: 'lost at the primary', by: 'api', inEffect: true }]);
    const audited = await use.ledger.db.selectFrom('audit').selectAll().where('site', '=', site).execute();
    expect(audited).toMatchObject([
      { actor: 'api', action: 'waive', detail: { reference: 'team/app:bad', digest: items[0]?.digest, reason: because.reason } },
    ]);
  });

  it('ends with the digest that it names', async () => {
    const site = 'moved';
    await siteWithFailure(site);
    await waiveImages(use.ledger, site, [bad], because);
    await scan(site, 2000, page(2000, [differs('bad', 3), same('good', 1)]));
    expect(await status(site)).toMatchObject({ waived: 0, failed: 0, pending: 1 });
    // What was proved with the old digest waived stays: that is gone from the primary.
    expect(await pointOf(site)).toBe(900);
    expect((await listWaivers(use.ledger, site)).items).toMatchObject([{ inEffect: false }]);
    await recordCatalogScan(use.ledger, site, { scan: `${site}/1900`, startedAt: 1900, pages: 1, complete: true, listed: 1, excluded: 0 });
    await recordCatalogPage(use.ledger, site, { startedAt: 1900, repositories: [repository] });
    expect(await pointOf(site)).toBe(1000);
    await mark(site, synced('bad', 3, 2500));
    expect(await pointOf(site)).toBe(1900);
  });

  it('that is taken back takes back what it proved', async () => {
    const site = 'unwaived';
    await siteWithFailure(site);
    await waiveImages(use.ledger, site, [bad], because);
    expect(await pointOf(site)).toBe(900);
    expect(await unwaiveImages(use.ledger, site, [bad], 'api')).toBe(1);
    expect(await pointOf(site)).toBeUndefined();
    expect(await status(site)).toMatchObject({ waived: 0, failed: 1, reason: '1 image failed' });
    expect((await listWaivers(use.ledger, site)).items).toEqual([]);
    await expect(unwaiveImages(use.ledger, site, [bad], 'api')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that is taken back of a tag which could not be read since takes back what it proved: the tag may hold what was waived', async () => {
    const site = 'unwaived-unread';
    await siteWithFailure(site);
    await waiveImages(use.ledger, site, [bad], because);
    expect(await pointOf(site)).toBe(900);
    await scan(site, 2000, page(2000, [same('good', 1)], { failures: [{ tag: 'bad', failure: UNREADABLE }] }));
    await unwaiveImages(use.ledger, site, [bad], 'api');
    expect(await pointOf(site)).toBeUndefined();
  });

  it('of a tag that nobody can read makes a scan whole, until somebody can', async () => {
    const site = 'unread';
    await recordCatalogPage(use.ledger, site, { startedAt: 900, repositories: [repository] });
    await recordCatalogScan(use.ledger, site, { scan: `${site}/900`, startedAt: 900, pages: 1, complete: true, listed: 1, excluded: 0 });
    await recordBackfill(use.ledger, site, { state: 'done', done: 1, total: 1, excluded: 0, failures: [], work: NO_WORK });
    await scan(site, 1000, page(1000, [], { failures: [{ tag: 'bad', failure: UNREADABLE }] }));
    expect(await status(site)).toMatchObject({ reason: '1 repository has not been scanned whole yet', recoveryPoint: null });
    await waiveImages(use.ledger, site, [bad], because);
    expect(await status(site)).toMatchObject({ reason: '1 image failed (1 waived)' });
    expect(await pointOf(site)).toBe(900);
    await scan(site, 2000, page(2000, [], { failures: [{ tag: 'bad', failure: UNREADABLE }] }));
    expect(await status(site)).toMatchObject({ waived: 1 });
    // It may have held this all the time.
    await scan(site, 3000, page(3000, [differs('bad', 7)]));
    expect(await status(site)).toMatchObject({ waived: 0, pending: 1, recoveryPoint: null });
    await mark(site, synced('bad', 7, 3500));
    expect(await pointOf(site)).toBe(900);
  });

  it('is refused for what is verified, gone or unknown, and then nothing is changed', async () => {
    const site = 'refused';
    await siteWithFailure(site);
    const good = { repository, tag: 'good' };
    await expect(waiveImages(use.ledger, site, [bad, good], because)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(waiveImages(use.ledger, site, [bad, { repository, tag: 'other' }], because)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await listWaivers(use.ledger, site)).items).toEqual([]);
    expect(await status(site)).toMatchObject({ waived: 0 });
  });
});
