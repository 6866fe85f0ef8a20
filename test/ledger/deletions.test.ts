import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  decideDeletions,
  listDeletions,
  markVerification,
  planDeletions,
  recordDeletions,
  recordEvents,
  recordScan,
  siteStatus,
  sweep,
  tagHistory,
} from '../../src/ledger/index.ts';
import type { DeletionOutcome, ImageOutcome, Notice, PlanDeletionsInput, PlannedDeletion } from '../../src/model/steps.ts';
import { all, DAY_MS, digest, failed, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'library/app';
const T = 1_000_000_000_000;
const MINUTE = 60_000;
const RETENTION = { inboxMs: 30 * DAY_MS, auditMs: 365 * DAY_MS, historyMs: 365 * DAY_MS };

const tagsOf = (n: number, prefix = 't'): string[] => Array.from({ length: n }, (_, at) => `${prefix}${String(at).padStart(3, '0')}`);

/** A site whose tags are all verified at T; tag number n has digest n. */
async function fill(site: string, n: number, name = repository): Promise<string[]> {
  const tags = tagsOf(n);
  await markVerification(
    use.ledger,
    { policy: policyOf(site), repository: name, outcomes: tags.map((tag, at) => synced(tag, at, T)) },
    T + 5,
  );
  return tags;
}
function plan(site: string, tags: readonly string[], look: number, more: Partial<PlanDeletionsInput> = {}) {
  const candidates = tags.map((tag) => ({ tag, digest: digest(Number(tag.slice(1))) }));
  return planDeletions(use.ledger, {
    policy: policyOf(site),
    repository,
    candidates,
    events: [],
    look,
    confirmAfterMs: 10 * MINUTE,
    ...more,
  });
}
function mark(site: string, outcome: ImageOutcome) {
  return markVerification(use.ledger, { policy: policyOf(site), repository, outcomes: [outcome] }, outcome.look + 5);
}
async function approvedIn(site: string, tag: string, look: number): Promise<PlannedDeletion> {
  const { approved } = await plan(site, [tag], look, { events: [deleted(tag)] });
  if (!approved[0]) throw new Error(`${tag} may not go: ${JSON.stringify(await held(site))} ${look}`);
  return approved[0];
}
const deleted = (tag: string): Notice => ({ kind: 'deleted', tag, receivedAt: T + 10 });
function record(site: string, outcomes: readonly DeletionOutcome[], look: number) {
  return recordDeletions(use.ledger, { policy: policyOf(site), repository, outcomes, look }, look + 50);
}
const scanOf = (site: string) => ({ policy: policyOf(site), repository, scan: `${site}-1`, verify: 'auto' }) as const;
const rowOf = (site: string, tag: string) =>
  use.ledger.db.selectFrom('images').selectAll().where('site', '=', site).where('tag', '=', tag).executeTakeFirst();
const held = async (site: string) => (await listDeletions(use.ledger, site)).items;

describe('evidence', () => {
  it('wants two complete listings far enough apart', async () => {
    const [a] = await fill('twice', 30);
    const tags = [String(a)];
    expect(await plan('twice', tags, T + 1000)).toMatchObject({ approved: [], waiting: 1, held: 0 });
    expect(await plan('twice', tags, T + 1000)).toMatchObject({ waiting: 1 });
    expect(await plan('twice', tags, T + 1000 + 10 * MINUTE - 1)).toMatchObject({ waiting: 1 });
    const due = await plan('twice', tags, T + 1000 + 10 * MINUTE);
    expect(due).toMatchObject({ waiting: 0, held: 0, approved: [{ tag: a, digest: digest(0) }] });
    // The same again, after a crash: the same reservation.
    expect((await plan('twice', tags, T + 1000 + 10 * MINUTE)).approved).toEqual(due.approved);
  });

  it('starts anew for a tag that was seen in between', async () => {
    await fill('between', 30);
    await plan('between', ['t000'], T + 1000);
    const seen = {
      policy: policyOf('between'),
      repository,
      scan: 'between-1',
      verify: 'auto',
      page: page(T + 2000, [same('t000', 0)]),
    } as const;
    await recordScan(use.ledger, seen, T + 2001, all);
    expect(await plan('between', ['t000'], T + 1000 + 20 * MINUTE)).toMatchObject({ approved: [], waiting: 1 });
  });

  it('wants new evidence for a tag that came back after its deletion was granted', async () => {
    await fill('granted', 30);
    await plan('granted', ['t000'], T + 1000);
    expect(await plan('granted', ['t000'], T + 1000 + 10 * MINUTE)).toMatchObject({ approved: [{ tag: 't000' }] });
    // The worker was away, and the primary has the tag again before anything was deleted.
    const seen = { policy: policyOf('granted'), repository, scan: 'granted-1', verify: 'auto' } as const;
    await recordScan(use.ledger, { ...seen, page: page(T + 20 * MINUTE, [same('t000', 0)]) }, T + 20 * MINUTE + 1, all);
    const one = T + 7 * DAY_MS;
    expect(await plan('granted', ['t000'], one)).toMatchObject({ approved: [], waiting: 1 });
    expect(await plan('granted', ['t000'], one + 10 * MINUTE)).toMatchObject({ approved: [{ tag: 't000' }] });
  });

  it('lets a person’s sync list twice at once, but not once', async () => {
    await fill('once', 30);
    expect(await plan('once', ['t000'], T + 1000, { confirmAfterMs: 0 })).toMatchObject({ waiting: 1 });
    expect(await plan('once', ['t000'], T + 1000, { confirmAfterMs: 0 })).toMatchObject({ waiting: 1, approved: [] });
    expect(await plan('once', ['t000'], T + 1001, { confirmAfterMs: 0 })).toMatchObject({ approved: [{ tag: 't000' }] });
  });

  it('does not take one look at a tag for a listing', async () => {
    await fill('look', 30);
    const gone = { tag: 't000', sync: 'pending', verification: 'pending', look: T + 1000, gone: true } as const;
    await markVerification(use.ledger, { policy: policyOf('look'), repository, outcomes: [gone] }, T + 1001);
    expect(await plan('look', ['t000'], T + 1000 + 20 * MINUTE)).toMatchObject({ approved: [], waiting: 1 });
  });

  it('believes a delete event that names the tag, or the digest alone', async () => {
    await fill('events', 60);
    expect(await plan('events', ['t000'], T + 1000, { events: [deleted('t000')] })).toMatchObject({ approved: [{ tag: 't000' }] });
    const byDigest: Notice = { kind: 'deleted', digest: digest(1), receivedAt: T + 10 };
    expect(await plan('events', ['t001'], T + 1000, { events: [byDigest] })).toMatchObject({ approved: [{ tag: 't001' }] });
    const other: Notice = { kind: 'deleted', tag: 'other', digest: digest(2), receivedAt: T + 10 };
    expect(await plan('events', ['t002'], T + 1000, { events: [other] })).toMatchObject({ approved: [], waiting: 1 });
    const compare: Notice = { kind: 'compare', tag: 't003', receivedAt: T + 10 };
    expect(await plan('events', ['t003'], T + 1000, { events: [compare] })).toMatchObject({ approved: [], waiting: 1 });
  });

  it('believes recorded delete events that came after the verification', async () => {
    await fill('recorded', 60);
    const change = { id: '1', source: 'test', repository: 'library/recorded', action: 'delete' } as const;
    const name = { repository: 'library/recorded' };
    await markVerification(
      use.ledger,
      { policy: policyOf('recorded'), ...name, outcomes: tagsOf(4).map((tag, n) => synced(tag, n, T)) },
      T + 5,
    );
    await recordEvents(use.ledger, [
      { change: { ...change, tag: 't000' }, receivedAt: T + 100 },
      { change: { ...change, tag: 't001' }, receivedAt: T - 100 },
      { change: { ...change, digest: digest(2) }, receivedAt: T + 100 },
      { change: { ...change, tag: 't003', action: 'push' }, receivedAt: T + 100 },
    ]);
    const policy = policyOf('recorded', { policy: 'mirror' });
    const result = await plan('recorded', tagsOf(4), T + 1000, { ...name, policy });
    expect(result.approved.map(({ tag }) => tag).sort()).toEqual(['t000', 't002']);
    expect(result.waiting).toBe(2);
  });

  it('does not believe the deletion of a tag that was pushed again since', async () => {
    const name = { repository: 'library/stale' };
    await fill('stale', 60, name.repository);
    const change = { id: '1', source: 'test', ...name, action: 'delete' } as const;
    await recordEvents(use.ledger, [
      { change: { ...change, tag: 't000' }, receivedAt: T + 100 },
      { change: { ...change, digest: digest(1) }, receivedAt: T + 100 },
      { change: { ...change, tag: 't002' }, receivedAt: T + 300 },
      ...['t000', 't001', 't002'].map((tag) => ({ change: { ...change, tag, action: 'push' as const }, receivedAt: T + 200 })),
    ]);
    // What was pushed could not be copied, so that its verification is the one from before.
    const tags = ['t000', 't001', 't002'];
    expect(await plan('stale', tags, T + 1000, name)).toMatchObject({ approved: [{ tag: 't002' }], waiting: 2 });
    const told = { ...name, events: [deleted('t000')] };
    expect(await plan('stale', ['t000'], T + 1000, told)).toMatchObject({ approved: [], waiting: 1 });
  });

  it('wants new evidence for a tag that a look saw again, though it could not be copied', async () => {
    await fill('unread', 60);
    await plan('unread', ['t000'], T + 1000);
    await mark('unread', failed('t000', T + 2000, { digest: digest(77) }));
    expect(await rowOf('unread', 't000')).toMatchObject({ sync: 'failed', missing_since: null, missing_look: null });
    expect((await siteStatus(use.ledger, ['unread']))[0]).toMatchObject({ total: 60, failed: 1, ready: false });
    expect(await plan('unread', ['t000'], T + 20 * MINUTE)).toMatchObject({ approved: [], waiting: 1 });
    // One whose copy has only just begun, and one that the primary lists and does not give.
    await plan('unread', ['t001', 't002'], T + 1000);
    await mark('unread', { tag: 't001', sync: 'started', verification: 'pending', look: T + 2000 });
    const failure = { code: 'NOT_FOUND', message: 'listed, and not there', retry: 'later' } as const;
    const listing = page(T + 3000, [same('t001', 1)], { failures: [{ tag: 't002', failure }] });
    for (const tag of ['t001', 't002']) {
      if (tag === 't002') await recordScan(use.ledger, { ...scanOf('unread'), page: listing }, T + 3001, all);
      expect(await rowOf('unread', tag)).toMatchObject({ missing_since: null, missing_look: null });
    }
  });

  it('does not take what was read before a listing for a sign that the tag is back', async () => {
    await fill('before', 30);
    await plan('before', ['t000'], T + 1000);
    await mark('before', failed('t000', T + 500, { digest: digest(77) }));
    expect(await rowOf('before', 't000')).toMatchObject({ sync: 'failed', missing_since: T + 1000, missing_look: T + 1000 });
  });

  it('touches only what is ours and absent by the latest look', async () => {
    await fill('own-work', 30);
    await markVerification(use.ledger, { policy: policyOf('ours'), repository, outcomes: [synced('t000', 77, T + 5000)] }, T + 5001);
    const result = await plan('ours', ['t000', 'x999'], T + 1000, { events: [deleted('t000'), deleted('x999')] });
    expect(result).toMatchObject({ approved: [], held: 0, waiting: 0 });
    expect(await rowOf('ours', 'x999')).toBeUndefined();
  });
});

describe('the budget', () => {
  it('holds all of a run that would exceed it, and says why', async () => {
    const tags = await fill('mass', 30);
    const events = tags.map(deleted);
    const result = await plan('mass', tags.slice(0, 20), T + 1000, { events });
    expect(result).toMatchObject({ approved: [], held: 20, waiting: 0, controls: [] });
    const rows = await held('mass');
    expect(rows).toHaveLength(20);
    expect(rows[0]).toMatchObject({
      tag: 't000',
      state: 'held',
      reason: 'would delete 20 of 30 tags; 3 are allowed in 24 h',
      decidedBy: null,
    });
    expect((await siteStatus(use.ledger, ['mass']))[0]).toMatchObject({ held: 20, total: 10, synced: 10, failed: 0, pending: 0 });
    // Asked again, it is the same question.
    await plan('mass', tags.slice(0, 20), T + 2000, { events });
    expect((await held('mass')).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
  });

  it('deletes what fits, and remembers what went', async () => {
    const tags = await fill('fits', 30);
    const first = await plan('fits', tags.slice(0, 2), T + 1000, { events: tags.map(deleted) });
    expect(first.approved).toHaveLength(2);
    await record(
      'fits',
      first.approved.map((one) => ({ ...one, result: 'deleted' })),
      T + 1100,
    );
    expect(await plan('fits', tags.slice(2, 4), T + 2000, { events: tags.map(deleted) })).toMatchObject({ approved: [], held: 2 });
    expect((await held('fits'))[0]?.reason).toBe('would delete 2 of 28 tags; 3 are allowed in 24 h, and 2 went already');
    await sql`update deletions set reserved_at = reserved_at - ${DAY_MS + 1} where site = 'fits' and state = 'done'`.execute(use.ledger.db);
    expect((await plan('fits', tags.slice(2, 4), T + 3000, { events: tags.map(deleted) })).approved).toHaveLength(2);
  });

  it('names the site where the site is what binds', async () => {
    for (const name of ['a', 'b']) await fill('binds', 10, name);
    const of = (name: string) => plan('binds', ['t000'], T + 1000, { repository: name, events: [deleted('t000')] });
    expect((await of('a')).approved).toHaveLength(1);
    expect((await of('b')).approved).toHaveLength(1);
    await fill('binds', 10, 'c');
    await sql`delete from images where site = 'binds' and repository = 'c' and tag > 't004'`.execute(use.ledger.db);
    expect(await of('c')).toMatchObject({ approved: [], held: 1 });
    expect((await held('binds'))[0]?.reason).toMatch(/^would delete 1 of 23 tags of the site; 2 are allowed in 24 h, and 2 went already$/);
  });

  it('cannot be overspent by repositories at once', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `r${n}`);
    for (const name of names) await fill('race', 10, name);
    const results = await Promise.all(
      names.map((name) => plan('race', ['t000'], T + 1000, { repository: name, events: [deleted('t000')] })),
    );
    // A tenth of 120 is 12, and each repository may lose one; with 24 tags only two may go.
    expect(results.filter(({ approved }) => approved.length === 1)).toHaveLength(12);
    for (const name of names) await fill('race-2', 2, name);
    const second = await Promise.all(
      names.map((name) => plan('race-2', ['t000'], T + 1000, { repository: name, events: [deleted('t000')] })),
    );
    expect(second.filter(({ approved }) => approved.length === 1)).toHaveLength(2);
    expect(second.filter(({ held: n }) => n === 1)).toHaveLength(10);
  });

  it('is none for mirror, and never deletes with never', async () => {
    const tags = await fill('mirror', 30);
    const events = tags.map(deleted);
    expect((await plan('mirror', tags, T + 1000, { events, policy: policyOf('mirror', { policy: 'mirror' }) })).approved).toHaveLength(30);
    await fill('never', 30);
    expect(await plan('never', tags, T + 1000, { events, policy: policyOf('never', { policy: 'never' }) })).toMatchObject({
      approved: [],
      held: 0,
      waiting: 0,
    });
  });

  it('gives controls that should be at the primary, of the same repository first', async () => {
    await fill('controls', 30);
    await fill('controls', 30, 'library/other');
    await markVerification(use.ledger, { policy: policyOf('controls'), repository, outcomes: [synced('t010', 99, T + 500)] }, T + 600);
    const { controls } = await plan('controls', ['t000'], T + 1000, { events: [deleted('t000')] });
    expect(controls).toHaveLength(5);
    expect(controls[0]).toEqual({ repository, tag: 't010', digest: digest(99) });
    expect(controls.every((control) => control.repository === repository && control.tag !== 't000')).toBe(true);
    await fill('controls-2', 1);
    await fill('controls-2', 30, 'library/other');
    const alone = await plan('controls-2', ['t000'], T + 1000, { events: [deleted('t000')] });
    expect(alone.controls.map((control) => control.repository)).toEqual(Array(5).fill('library/other'));
  });
});

describe('decisions', () => {
  async function hold(site: string): Promise<string[]> {
    const tags = await fill(site, 30);
    await plan(site, tags.slice(0, 20), T + 1000, { events: tags.map(deleted) });
    return tags.slice(0, 20);
  }

  it('lets what a person approved go, outside the budget', async () => {
    const tags = await hold('approve');
    const some = (await held('approve')).slice(0, 5).map(({ id }) => id);
    expect(await decideDeletions(use.ledger, 'approve', some, 'approve', 'ann')).toEqual({ repositories: [repository], count: 5 });
    expect(await decideDeletions(use.ledger, 'approve', some, 'approve', 'ann')).toMatchObject({ count: 5 });
    const result = await plan('approve', tags, T + 2000);
    expect(result.approved.map(({ id }) => id).sort()).toEqual([...some].sort());
    expect(result).toMatchObject({ held: 15, waiting: 0 });
    expect(result.controls.length).toBeGreaterThan(0);
    await record(
      'approve',
      result.approved.map((one) => ({ ...one, result: 'deleted' })),
      T + 2100,
    );
    expect(await decideDeletions(use.ledger, 'approve', 'all', 'approve', 'ann')).toMatchObject({ count: 15 });
    expect((await plan('approve', tags.slice(5), T + 3000)).approved).toHaveLength(15);
    expect((await listDeletions(use.ledger, 'approve', { state: 'deleted' })).items).toHaveLength(5);
    const entries = await use.ledger.db.selectFrom('audit').selectAll().where('site', '=', 'approve').execute();
    expect(entries).toHaveLength(5);
    expect(entries[0]).toMatchObject({
      actor: 'ann',
      action: 'delete',
      detail: { repository, tag: 't000', digest: digest(0), result: 'deleted' },
    });
    expect((await plan('approve', ['t020'], T + 4000, { events: [deleted('t020')] })).approved).toHaveLength(1);
  });

  it('does not ask again what was rejected, until the digest changes', async () => {
    const tags = await hold('reject');
    expect(await decideDeletions(use.ledger, 'reject', 'all', 'reject', 'ann')).toMatchObject({ count: 20 });
    expect(await plan('reject', tags, T + 2000)).toMatchObject({ approved: [], held: 20, waiting: 0 });
    expect(await held('reject')).toEqual([]);
    // Those rejected do not stand in the way of others.
    expect((await plan('reject', [...tags, 't025'], T + 2500, { events: [deleted('t025')] })).approved.map(({ tag }) => tag)).toEqual([
      't025',
    ]);
    await markVerification(use.ledger, { policy: policyOf('reject'), repository, outcomes: [synced('t000', 500, T + 3000)] }, T + 3001);
    const again = await plan('reject', ['t000'], T + 4000, { events: [deleted('t000')] });
    expect(again.approved).toMatchObject([{ tag: 't000', digest: digest(500) }]);
  });

  it('refuses ids that wait for no decision, and changes nothing then', async () => {
    await hold('unknown');
    const [first] = await held('unknown');
    const both = [String(first?.id), 'feedface0000'];
    await expect(decideDeletions(use.ledger, 'unknown', both, 'approve', 'ann')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('feedface0000'),
    });
    await expect(decideDeletions(use.ledger, 'other-site', [String(first?.id)], 'approve', 'ann')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await held('unknown')).toHaveLength(20);
  });

  it('cancels what comes back', async () => {
    const tags = await hold('back');
    await decideDeletions(
      use.ledger,
      'back',
      (await held('back')).slice(0, 10).map(({ id }) => id),
      'approve',
      'ann',
    );
    const seen = tags.filter((_, n) => n % 2 === 0);
    const listing = page(
      T + 2000,
      seen.map((tag) => same(tag, Number(tag.slice(1)))),
    );
    await recordScan(use.ledger, { policy: policyOf('back'), repository, scan: 'back-1', verify: 'auto', page: listing }, T + 2001, all);
    const states = await sql<{
      state: string;
      n: number;
    }>`select state, count(*) as n from deletions where site = 'back' group by state order by state`.execute(use.ledger.db);
    expect(states.rows).toEqual([
      { state: 'approved', n: 5 },
      { state: 'cancelled', n: 10 },
      { state: 'held', n: 5 },
    ]);
    await markVerification(use.ledger, { policy: policyOf('back'), repository, outcomes: [synced('t011', 11, T + 3000)] }, T + 3001);
    expect((await held('back')).map(({ tag }) => tag)).not.toContain('t011');
  });

  it('expires what nobody decides', async () => {
    await hold('expiry');
    await sql`update deletions set expires_at = 1 where site = 'expiry'`.execute(use.ledger.db);
    expect((await siteStatus(use.ledger, ['expiry']))[0]).toMatchObject({ held: 0 });
    expect(await decideDeletions(use.ledger, 'expiry', 'all', 'approve', 'ann')).toMatchObject({ count: 0 });
    expect((await sweep(use.ledger, RETENTION)).expired).toBe(20);
    expect((await listDeletions(use.ledger, 'expiry', { state: 'expired' })).items).toHaveLength(20);
    // It may be asked again, with evidence of its own.
    const tags = tagsOf(20);
    expect(await plan('expiry', tags, T + 20 * MINUTE)).toMatchObject({ held: 20, waiting: 0 });
    expect(await held('expiry')).toHaveLength(20);
  });

  it('pages', async () => {
    await hold('pages');
    const first = await listDeletions(use.ledger, 'pages', { limit: 15 });
    const second = await listDeletions(use.ledger, 'pages', { limit: 15, cursor: String(first.next) });
    expect([first.items.length, second.items.length, second.next]).toEqual([15, 5, null]);
    expect(new Set([...first.items, ...second.items].map(({ tag }) => tag)).size).toBe(20);
  });
});

describe('recordDeletions', () => {
  async function one(site: string) {
    await fill(site, 30);
    const { approved } = await plan(site, ['t000'], T + 1000, { events: [deleted('t000')] });
    const [deletion] = approved;
    if (!deletion) throw new Error('nothing was approved');
    return deletion;
  }
  const stateOf = (id: string) =>
    use.ledger.db.selectFrom('deletions').select(['state', 'reason', 'decided_by']).where('id', '=', id).executeTakeFirst();

  it('forgets what was deleted, and keeps its history once', async () => {
    const deletion = await one('done');
    for (let n = 0; n < 2; n += 1) await record('done', [{ ...deletion, result: 'deleted' }], T + 1100);
    expect(await rowOf('done', 't000')).toBeUndefined();
    expect(await stateOf(deletion.id)).toMatchObject({ state: 'done' });
    const history = await tagHistory(use.ledger.db, { site: 'done', repository, tag: 't000' });
    expect(history).toEqual([{ oldDigest: digest(0), newDigest: null, at: T + 1100 }]);
    expect(await use.ledger.db.selectFrom('audit').selectAll().where('site', '=', 'done').execute()).toHaveLength(1);
  });

  it('keeps the row of a tag that was pushed again meanwhile', async () => {
    const deletion = await one('again');
    await markVerification(use.ledger, { policy: policyOf('again'), repository, outcomes: [synced('t000', 0, T + 2000)] }, T + 2001);
    await record('again', [{ ...deletion, result: 'deleted' }], T + 1100);
    expect(await rowOf('again', 't000')).toMatchObject({ sync: 'synced' });
  });

  it('makes a tag that is back pending', async () => {
    const deletion = await one('is-back');
    await record('is-back', [{ ...deletion, result: 'back' }], T + 1100);
    expect(await stateOf(deletion.id)).toMatchObject({ state: 'cancelled' });
    expect(await rowOf('is-back', 't000')).toMatchObject({ sync: 'pending', missing_since: null, missing_look: null, look: T + 1100 });
  });

  it('does not leave verified what it deleted itself, when the tag comes back in that moment', async () => {
    // Pushed, copied and read back between the proof that the primary lacks the tag and the deletion by name.
    const deletion = await one('crossed');
    await mark('crossed', synced('t000', 7, T + 1120));
    await record('crossed', [{ ...deletion, result: 'back' }], T + 1100);
    expect(await rowOf('crossed', 't000')).toMatchObject({ sync: 'pending', verification: 'pending' });
    // Of a look that began before the deletion was over nobody knows which was last.
    const late = await markVerification(
      use.ledger,
      { policy: policyOf('crossed'), repository, outcomes: [synced('t000', 7, T + 1149)] },
      T + 1200,
    );
    expect(late.overlapping).toEqual(['t000']);
    expect(await rowOf('crossed', 't000')).toMatchObject({ sync: 'pending' });
    await mark('crossed', synced('t000', 7, T + 1300));
    expect(await rowOf('crossed', 't000')).toMatchObject({ sync: 'synced', verification: 'succeeded' });
    // Recorded again, after the ledger was away.
    await record('crossed', [{ ...deletion, result: 'back' }], T + 1100);
    expect(await rowOf('crossed', 't000')).toMatchObject({ sync: 'synced', verification: 'succeeded' });
  });

  it('spends nothing on a tag that was only tried and never came', async () => {
    await fill('tried', 10);
    await mark('tried', failed('x', T + 500, { put: digest(77) }));
    const planned = await approvedIn('tried', 'x', T + 1000);
    await record('tried', [{ ...planned, result: 'absent' }], T + 1100);
    expect(await rowOf('tried', 'x')).toBeUndefined();
    expect(await tagHistory(use.ledger.db, { site: 'tried', repository, tag: 'x' })).toEqual([]);
    // The one deletion that ten tags may lose a day is there for another.
    expect(await approvedIn('tried', 't000', T + 2000)).toMatchObject({ digest: digest(0) });
    // What was read back there has been there: somebody took it away, or an attempt before.
    const read = await one('taken');
    await record('taken', [{ ...read, result: 'absent' }], T + 1100);
    expect(await tagHistory(use.ledger.db, { site: 'taken', repository, tag: 't000' })).toMatchObject([{ oldDigest: digest(0) }]);
  });

  it('goes on with another digest that Twinport put there, though it was never verified', async () => {
    await fill('own-work', 30);
    // Its worker died between putting the tag and telling of it; then the primary deleted the tag.
    await mark('own-work', { tag: 't000', sync: 'failed', verification: 'pending', put: digest(77), look: T + 500 });
    await mark('own-work', { tag: 't000', sync: 'failed', verification: 'pending', put: digest(78), look: T + 600 });
    const first = await approvedIn('own-work', 't000', T + 1000);
    expect(first).toMatchObject({ digest: digest(78) });
    expect(await record('own-work', [{ ...first, result: 'changed', found: digest(77) }], T + 1100)).toMatchObject({ again: 1 });
    expect(await held('own-work')).toEqual([]);
    const second = await approvedIn('own-work', 't000', T + 2000);
    expect(second).toMatchObject({ digest: digest(77) });
    expect(await record('own-work', [{ ...second, result: 'deleted' }], T + 2100)).not.toHaveProperty('again');
    expect(await rowOf('own-work', 't000')).toBeUndefined();
    // What somebody else put there waits for a person.
    const other = await approvedIn('own-work', 't001', T + 3000);
    expect(await record('own-work', [{ ...other, result: 'changed', found: digest(79) }], T + 3100)).not.toHaveProperty('again');
    expect(await held('own-work')).toMatchObject([
      { tag: 't001', reason: expect.stringContaining('no longer what Twinport put there') as unknown },
    ]);
  });

  it('of a tag that nothing was ever read back from ends where another digest is found: the tag is not ours', async () => {
    await fill('nobodys', 30);
    await mark('nobodys', { tag: 'x', sync: 'failed', verification: 'pending', put: digest(77), look: T + 500 });
    const planned = await approvedIn('nobodys', 'x', T + 1000);
    await record('nobodys', [{ ...planned, result: 'changed', found: digest(79) }], T + 1100);
    expect(await rowOf('nobodys', 'x')).toBeUndefined();
    expect(await held('nobodys')).toEqual([]);
    expect((await listDeletions(use.ledger, 'nobodys', { state: 'cancelled' })).items).toMatchObject([{ tag: 'x', digest: digest(77) }]);
  });

  it('holds what the registry refuses or another changed, with the reason', async () => {
    const deletion = await one('refused');
    await record('refused', [{ ...deletion, result: 'held', reason: 'registry refuses deletes' }], T + 1100);
    expect((await held('refused'))[0]).toMatchObject({ id: deletion.id, reason: 'registry refuses deletes' });
    const other = await one('changed');
    await record('changed', [{ ...other, result: 'changed' }], T + 1100);
    expect((await held('changed'))[0]?.reason).toMatch(/no longer what Twinport put there/);
  });

  it('lets what cannot be kept go only where a person approved just that, or under mirror', async () => {
    const deletion = await one('unkept');
    expect(deletion).not.toHaveProperty('unkept');
    const waits = async (at: number, planned: PlannedDeletion) => {
      await record('unkept', [{ ...planned, result: 'held', reason: 'cannot be undone', unkept: true }], at);
      expect(await held('unkept')).toMatchObject([{ id: deletion.id, reason: 'cannot be undone', decidedBy: null }]);
    };
    await waits(T + 1100, deletion);
    // Within the budget it is tried again, and kept from going again.
    const tried = await approvedIn('unkept', 't000', T + 2000);
    expect(tried).not.toHaveProperty('unkept');
    await waits(T + 2100, tried);
    await decideDeletions(use.ledger, 'unkept', [deletion.id], 'approve', 'ann');
    const granted = await approvedIn('unkept', 't000', T + 3000);
    expect(granted).toMatchObject({ id: deletion.id, unkept: true });
    // An approval is for once: what stands in its way is another question.
    await record('unkept', [{ ...granted, result: 'held', reason: 'registry refuses deletes' }], T + 3100);
    expect(await held('unkept')).toMatchObject([{ reason: 'registry refuses deletes', decidedBy: null }]);
    expect(await approvedIn('unkept', 't000', T + 4000)).not.toHaveProperty('unkept');
    await fill('unkept-2', 30);
    const policy = policyOf('unkept-2', { policy: 'mirror' });
    expect((await plan('unkept-2', ['t000'], T + 1000, { policy, events: [deleted('t000')] })).approved).toMatchObject([{ unkept: true }]);
  });

  it('gives back what was not proved, and an approval with it', async () => {
    const deletion = await one('unproved');
    await record('unproved', [{ ...deletion, result: 'unproved' }], T + 1100);
    expect(await stateOf(deletion.id)).toBeUndefined();
    expect(await rowOf('unproved', 't000')).toMatchObject({ sync: 'synced' });

    const tags = await fill('unproved-2', 30);
    await plan('unproved-2', tags.slice(0, 20), T + 1000, { events: tags.map(deleted) });
    await decideDeletions(use.ledger, 'unproved-2', 'all', 'approve', 'ann');
    const { approved } = await plan('unproved-2', tags.slice(0, 20), T + 2000);
    await record(
      'unproved-2',
      approved.map((each) => ({ ...each, result: 'unproved' })),
      T + 2100,
    );
    expect((await plan('unproved-2', tags.slice(0, 20), T + 3000)).approved).toHaveLength(20);
  });

  it('records what was done though the ledger was lost in between', async () => {
    await record('lost', [{ id: 'lost00000001', tag: 't000', digest: digest(0), result: 'deleted' }], T);
    expect(await stateOf('lost00000001')).toMatchObject({ state: 'done' });
  });
});
