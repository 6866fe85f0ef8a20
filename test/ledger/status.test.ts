import { describe, expect, it } from '@jest/globals';
import {
  failedImages,
  heartbeatWorkers,
  listImages,
  markVerification,
  noteWorkersAsked,
  recordBackfill,
  recordCatalogScan,
  recordScan,
  registerSites,
  setPaused,
  siteStatus,
  sweep,
} from '../../src/ledger/index.ts';
import type { BackfillProgress } from '../../src/model/steps.ts';
import { NO_WORK } from '../../src/model/work.ts';
import { all, DAY_MS, differs, digest, failed, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'library/app';
const done: BackfillProgress = { state: 'done', done: 1, total: 1, excluded: 0, failures: [], work: NO_WORK };
const status = async (site: string) => (await siteStatus(use.ledger, [site]))[0];

describe('siteStatus', () => {
  it('tells the first thing that is not as it should be', async () => {
    const site = 'ready';
    const policy = policyOf(site);
    const now = Date.now();
    expect(await status(site)).toEqual({
      name: site,
      ready: false,
      reason: 'no scan has completed yet',
      total: 0,
      synced: 0,
      verified: 0,
      failed: 0,
      pending: 0,
      waived: 0,
      held: 0,
      heldMoves: 0,
      regressed: null,
      foreign: 0,
      excluded: 0,
      lagSeconds: null,
      recoveryPoint: null,
      recoveryPointSeconds: null,
      oldestVerification: null,
      missedEvents: [],
      canary: null,
      lastEvent: null,
      backfill: { state: 'none', done: 0, total: 0, startedAt: null, remainingSeconds: null },
      workers: 0,
      temporalAway: false,
      paused: false,
    });
    await registerSites(use.ledger, [{ name: site, fingerprint: 'f' }], { reset: false });
    await recordBackfill(use.ledger, site, { ...done, state: 'running', done: 0 });
    await recordCatalogScan(use.ledger, site, { scan: 'c1', startedAt: now - 60_000, pages: 1, complete: true, listed: 1, excluded: 2 });
    const first = page(now - 50_000, [differs('a', 1)], { excluded: 3, extra: ['x'], next: 'a' });
    await recordScan(use.ledger, { policy, repository, scan: 's1', page: first, verify: 'auto' }, now, all);
    expect(await status(site)).toMatchObject({ reason: 'no scan has completed yet', lagSeconds: null, excluded: 5, foreign: 1 });
    await recordBackfill(use.ledger, site, {
      ...done,
      failures: [{ repository, failure: { code: 'LISTING', message: 'x', retry: 'later' } }],
    });
    expect(await status(site)).toMatchObject({
      reason: '1 repository could not be scanned',
      backfill: { state: 'done', done: 1, total: 1 },
    });
    await recordBackfill(use.ledger, site, done);
    expect(await status(site)).toMatchObject({ reason: '1 repository has not been scanned whole yet' });
    await recordScan(
      use.ledger,
      { policy, repository, scan: 's1', after: 'a', page: page(now - 49_000, [same('b', 2)]), verify: 'auto' },
      now,
      all,
    );
    await markVerification(use.ledger, { policy, repository, outcomes: [failed('c', now - 40_000)] }, now);
    expect(await status(site)).toMatchObject({ reason: '1 image failed', total: 3, failed: 1, pending: 2 });
    await markVerification(use.ledger, { policy, repository, outcomes: [synced('c', 3, now - 30_000)] }, now - 29_000);
    const late = await status(site);
    expect(late).toMatchObject({ reason: '2 images are pending', verified: 1, oldestVerification: new Date(now - 29_000).toISOString() });
    expect(late?.lagSeconds).toBeGreaterThanOrEqual(49);
    expect(late?.lagSeconds).toBeLessThan(49 + 120);
    await markVerification(use.ledger, { policy, repository, outcomes: [synced('a', 1, now - 20_000), synced('b', 2, now - 20_000)] }, now);
    expect(await status(site)).toMatchObject({ reason: 'no worker polls', lagSeconds: 0, total: 3, synced: 3, verified: 3 });
    await heartbeatWorkers(use.ledger, site, ['w2', 'w1']);
    expect(await status(site)).toMatchObject({ ready: true, workers: 2 });
    const silent = use.ledger.db
      .updateTable('workers')
      .set({ last_poll: Date.now() - 20_000 })
      .where('site', '=', site);
    await silent.execute();
    expect(await status(site)).toMatchObject({ reason: 'no worker polls', workers: 0 });
    // Nobody could ask for them: that is something else than that none is there.
    await noteWorkersAsked(use.ledger);
    expect(await status(site)).toMatchObject({ reason: 'no worker polls', temporalAway: false });
    const longAgo = { value: String(now - 60_000) };
    await use.ledger.db.updateTable('meta').set(longAgo).where('name', '=', 'workers-asked-at').execute();
    expect(await status(site)).toMatchObject({
      reason: 'Temporal does not answer, so nobody can tell whether a worker polls',
      ...{ workers: 0, temporalAway: true },
    });
    await noteWorkersAsked(use.ledger);
    await heartbeatWorkers(use.ledger, site, ['w1']);
    await setPaused(use.ledger, site, true);
    expect(await status(site)).toMatchObject({ ready: false, reason: 'paused', workers: 1, paused: true });
    await setPaused(use.ledger, site, false);
    expect(await status(site)).toMatchObject({ ready: true, reason: null });
  });

  it('lists the sites asked for in their order, or all that are known', async () => {
    await setPaused(use.ledger, 'z-site', false);
    await setPaused(use.ledger, 'a-site', true);
    expect((await siteStatus(use.ledger, ['z-site', 'a-site'])).map(({ name }) => name)).toEqual(['z-site', 'a-site']);
    const known = (await siteStatus(use.ledger)).map(({ name }) => name);
    expect(known).toEqual([...known].sort());
    expect(known).toContain('a-site');
  });
});

describe('registerSites', () => {
  it('refuses another registry under an old name, unless asked to start anew', async () => {
    const site = 'moved';
    const register = (fingerprint: string, reset = false) => registerSites(use.ledger, [{ name: site, fingerprint }], { reset });
    await register('one');
    await register('one');
    const policy = policyOf(site);
    await recordScan(use.ledger, { policy, repository, scan: 'moved-1', page: page(1000, [same('a', 1)]), verify: 'auto' }, 1001, all);
    await expect(register('two')).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('--reset-site') });
    expect(await status(site)).toMatchObject({ total: 1 });
    await register('two', true);
    expect(await status(site)).toMatchObject({ total: 0 });
    expect(await use.ledger.db.selectFrom('scan_pages').selectAll().where('scan', '=', 'moved-1').execute()).toEqual([]);
    await register('two');
  });

  it('takes a site that is known only by something else', async () => {
    await setPaused(use.ledger, 'early', true);
    await registerSites(use.ledger, [{ name: 'early', fingerprint: 'x' }], { reset: false });
    expect(await status('early')).toMatchObject({ paused: true });
    await expect(registerSites(use.ledger, [{ name: 'early', fingerprint: 'y' }], { reset: false })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });
});

describe('listImages', () => {
  it('pages by repository and tag, filtered', async () => {
    const policy = policyOf('list');
    for (const name of ['b', 'a', 'a-b', 'a/b']) {
      const outcomes = Array.from({ length: 5 }, (_, n) => (n === 4 ? failed(`t${n}`, 1000) : synced(`t${n}`, n, 1000)));
      await markVerification(use.ledger, { policy, repository: name, outcomes }, 1100);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const next: { items: { reference: string }[]; next: string | null } = await listImages(use.ledger, 'list', {
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...next.items.map(({ reference }) => reference));
      cursor = next.next;
    } while (cursor !== null);
    expect(seen).toHaveLength(20);
    expect(seen).toEqual(['a', 'a-b', 'a/b', 'b'].flatMap((name) => [0, 1, 2, 3, 4].map((n) => `${name}:t${n}`)));
    const count = async (query: Parameters<typeof listImages>[2]) => (await listImages(use.ledger, 'list', query)).items.length;
    expect(await count({ state: 'failed' })).toBe(4);
    expect(await count({ state: 'verified', repository: 'a/b' })).toBe(4);
    expect(await count({ state: 'pending' })).toBe(0);
    expect(await count({ state: 'held' })).toBe(0);
    const failures: string[] = [];
    for await (const image of failedImages(use.ledger, 'list')) failures.push(`${image.repository}:${image.tag}`);
    expect(failures).toEqual(['a:t4', 'a-b:t4', 'a/b:t4', 'b:t4']);
    await expect(listImages(use.ledger, 'list', { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('sweep', () => {
  const RETENTION = { inboxMs: DAY_MS, auditMs: DAY_MS, historyMs: DAY_MS, startedMs: 1000 };

  it('removes what is old, and keeps what counts', async () => {
    const policy = policyOf('sweep');
    const old = Date.now() - 3 * DAY_MS;
    const scan = (id: string, look: number) =>
      recordScan(
        use.ledger,
        { policy, repository, scan: id, page: page(look, [same('a', 1)], { extra: ['x'] }), verify: 'auto' },
        look,
        all,
      );
    await scan('old-1', old);
    await scan('old-2', old + 1000);
    const outcomes = [synced('a', 2, old + 2000, { previous: digest(1) }), synced('b', 2, Date.now() - 10_000, { previous: digest(1) })];
    await markVerification(use.ledger, { policy, repository, outcomes: outcomes.slice(0, 1) }, old + 2000);
    await markVerification(use.ledger, { policy, repository, outcomes: outcomes.slice(1) }, Date.now());
    await markVerification(
      use.ledger,
      { policy, repository, outcomes: [{ tag: 'c', sync: 'started', verification: 'pending', look: Date.now() - 60_000 }] },
      Date.now(),
    );
    await use.ledger.db.insertInto('audit').values({ at: old, actor: 'x', action: 'old', site: 'sweep', detail: '{}' }).execute();
    const swept = await sweep(use.ledger, RETENTION);
    expect(swept).toMatchObject({ scans: expect.any(Number), started: 1, audit: 1, history: 1 });
    expect((await use.ledger.db.selectFrom('scans').select('id').where('site', '=', 'sweep').execute()).map(({ id }) => id)).toEqual([
      'old-2',
    ]);
    expect((await use.ledger.db.selectFrom('scan_pages').select('scan').execute()).map(({ scan: id }) => id)).not.toContain('old-1');
    expect(await status('sweep')).toMatchObject({ foreign: 1, total: 3, pending: 1, synced: 2 });
  });
});
