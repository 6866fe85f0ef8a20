import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  knownRepositories,
  markVerification,
  recordScan,
  recordSettledScans,
  settledRepositories,
  siteStatus,
} from '../../src/ledger/index.ts';
import type { CompareRepositoryResult, ImageOutcome, RecordScanInput } from '../../src/model/steps.ts';
import { all, DAY_MS, differs, digest, failed, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'library/app';
const T = 1_000_000_000_000;

function scan(
  site: string,
  of: CompareRepositoryResult,
  more: Partial<RecordScanInput> & { inScope?: (tag: string) => boolean; at?: number } = {},
) {
  const { inScope, at, ...input } = more;
  return recordScan(
    use.ledger,
    { policy: policyOf(site), repository, scan: `${site}-1`, page: of, verify: 'auto', ...input },
    at ?? of.look + 10,
    inScope ?? all,
  );
}
function mark(site: string, outcomes: readonly ImageOutcome[], lookEnd: number) {
  return markVerification(use.ledger, { policy: policyOf(site), repository, outcomes }, lookEnd);
}
const rowOf = (site: string, tag: string) =>
  use.ledger.db.selectFrom('images').selectAll().where('site', '=', site).where('tag', '=', tag).executeTakeFirst();
const repositoryOf = (site: string) => use.ledger.db.selectFrom('repositories').selectAll().where('site', '=', site).executeTakeFirst();
const status = async (site: string) => (await siteStatus(use.ledger, [site]))[0];

describe('recordScan', () => {
  it('knows what it lists: what differs and what is equal but unproved is pending', async () => {
    const result = await scan('first', page(T, [differs('a', 1), same('b', 2)]));
    expect(result).toMatchObject({ verify: ['b'], gone: [], foreign: 0 });
    expect(await rowOf('first', 'a')).toMatchObject({ sync: 'pending', digest: digest(1), look: T, verified_digest: null, changed_at: T });
    expect(await rowOf('first', 'b')).toMatchObject({ sync: 'pending', verification: 'pending', digest: digest(2) });
    expect(await status('first')).toMatchObject({ total: 2, pending: 2, synced: 0 });
    // The same record again, as an activity's retry makes it.
    expect(await scan('first', page(T, [differs('a', 1), same('b', 2)]))).toEqual(result);
    expect(await status('first')).toMatchObject({ total: 2, pending: 2 });
  });

  it('asks to read back only what has no young verification at that digest', async () => {
    await mark('auto', [synced('young', 1, T), synced('moved', 2, T), synced('broken', 4, T)], T + 5);
    await mark('auto', [synced('old', 3, T - 8 * DAY_MS)], T - 8 * DAY_MS + 5);
    await mark('auto', [failed('broken', T + 10)], T + 11);
    const tags = [same('broken', 4), same('moved', 22), same('new', 5), same('old', 3), same('young', 1)];
    expect((await scan('auto', page(T + 100, tags))).verify).toEqual(['broken', 'moved', 'new', 'old']);
    expect(await rowOf('auto', 'young')).toMatchObject({ sync: 'synced', looked_at: T + 100, look: T });
    expect(await rowOf('auto', 'old')).toMatchObject({ sync: 'synced', verified_at: T - 8 * DAY_MS + 5 });
    expect(await rowOf('auto', 'moved')).toMatchObject({ sync: 'pending', digest: digest(22), verified_digest: digest(2) });
    expect(await rowOf('auto', 'broken')).toMatchObject({ sync: 'failed' });
    expect((await scan('auto', page(T + 200, tags), { verify: 'deep', scan: 'auto-2' })).verify).toHaveLength(5);
  });

  it('leaves alone what a later look found', async () => {
    await mark('later', [synced('a', 2, T + 50), synced('pushed', 1, T + 50)], T + 60);
    const result = await scan('later', page(T, [differs('a', 1)]));
    expect(result.gone).toEqual([]);
    expect(await rowOf('later', 'a')).toMatchObject({ sync: 'synced', digest: digest(2) });
    expect(await rowOf('later', 'pushed')).toMatchObject({ sync: 'synced', missing_since: null });
  });

  it('keeps verified digests when a tag differs', async () => {
    await mark('differs', [synced('a', 1, T)], T + 5);
    await scan('differs', page(T + 100, [differs('a', 2)]));
    expect(await rowOf('differs', 'a')).toMatchObject({
      sync: 'pending',
      digest: digest(2),
      verified_digest: digest(1),
      verified_at: T + 5,
    });
    // A look that began before the scan is too late now, one that began after it is not.
    expect(await mark('differs', [synced('a', 1, T + 50)], T + 150)).toMatchObject({ recorded: 0 });
    expect(await mark('differs', [synced('a', 2, T + 150)], T + 160)).toMatchObject({ recorded: 1, overlapping: [] });
  });

  it('finds in each window what is ours and no longer listed', async () => {
    await mark(
      'window',
      ['a', 'b', 'c', 'd', 'e'].map((tag, n) => synced(tag, n, T)),
      T + 5,
    );
    await mark('window', [failed('never', T)], T + 5);
    const first = await scan('window', page(T + 100, [same('a', 0)], { next: 'c' }));
    expect(first.gone).toEqual([
      { tag: 'b', digest: digest(1) },
      { tag: 'c', digest: digest(2) },
    ]);
    expect(await repositoryOf('window')).toMatchObject({ complete: false, completed_scan_at: null, pages: 1 });
    const second = await scan('window', page(T + 110, [same('e', 4)]), { after: 'c' });
    expect(second.gone).toEqual([{ tag: 'd', digest: digest(3) }]);
    expect(await rowOf('window', 'never')).toBeUndefined();
    expect(await rowOf('window', 'd')).toMatchObject({ missing_since: T + 110, missing_look: null, sync: 'synced' });
    expect(await repositoryOf('window')).toMatchObject({ complete: true, completed_scan_at: T + 100, pages: 2, listed: 2 });
    expect(await status('window')).toMatchObject({ total: 2, synced: 2, verified: 2 });
    // Seen again: missing no more.
    await scan('window', page(T + 200, [same('a', 0), same('b', 1), same('e', 4)]), { scan: 'window-2' });
    expect(await rowOf('window', 'b')).toMatchObject({ missing_since: null });
    expect(await status('window')).toMatchObject({ total: 3 });
  });

  it('takes nothing for gone that could not be read, and records the failure', async () => {
    await mark('failures', [synced('a', 1, T)], T + 5);
    const failure = { code: 'UNAVAILABLE', message: '503', retry: 'now' } as const;
    const result = await scan(
      'failures',
      page(T + 100, [], {
        failures: [
          { tag: 'a', failure },
          { tag: 'new', failure },
        ],
      }),
    );
    expect(result.gone).toEqual([]);
    expect(await rowOf('failures', 'a')).toMatchObject({ sync: 'failed', reason: '503', verified_digest: digest(1) });
    expect(await rowOf('failures', 'new')).toMatchObject({ sync: 'failed', attempts: 1 });
    expect(await repositoryOf('failures')).toMatchObject({ complete: false, listed: 2 });
  });

  it('takes all of ours for gone where the primary has no such repository', async () => {
    await mark('absent', [synced('a', 1, T), synced('b', 2, T)], T + 5);
    expect((await scan('absent', page(T + 100, [], { absent: true }))).gone).toHaveLength(2);
    await scan('absent', page(T + 200, [], { absent: true }), { scan: 'absent-2' });
    expect(await repositoryOf('absent')).toMatchObject({ absent_since: T + 100 });
    await scan('absent', page(T + 300, [same('a', 1)]), { scan: 'absent-3' });
    expect(await repositoryOf('absent')).toMatchObject({ absent_since: null });
  });

  it('writes once that the filters leave a tag out, or that it is missing', async () => {
    await mark('once', [synced('kept', 1, T), synced('out', 2, T), synced('gone', 3, T)], T + 5);
    const written = async () =>
      (
        await sql<{ by: string }>`select xmin::text as by from images where site = 'once' and tag <> 'kept' order by tag`.execute(
          use.ledger.db,
        )
      ).rows;
    const inScope = (tag: string) => tag !== 'out';
    await scan('once', page(T + 100, [same('kept', 1)]), { scan: 'once-1', inScope });
    const before = await written();
    await scan('once', page(T + 200, [same('kept', 1)]), { scan: 'once-2', inScope });
    expect(await written()).toEqual(before);
    expect(await rowOf('once', 'out')).toMatchObject({ out_of_scope: true });
    expect(await rowOf('once', 'gone')).toMatchObject({ missing_since: T + 100 });
  });

  it('neither counts nor deletes what the filters leave out', async () => {
    await mark('filters', [synced('keep', 1, T), synced('x-dev', 2, T)], T + 5);
    await mark('filters', [failed('y-dev', T)], T + 5);
    const inScope = (tag: string) => !tag.endsWith('-dev');
    const result = await scan('filters', page(T + 100, [same('keep', 1)], { excluded: 2 }), { inScope });
    expect(result.gone).toEqual([]);
    expect(await rowOf('filters', 'x-dev')).toMatchObject({ out_of_scope: true, missing_since: null });
    expect(await status('filters')).toMatchObject({ total: 1, synced: 1, failed: 0, excluded: 2 });
    // Let in again, and listed, though it cannot be read.
    const failures = [{ tag: 'x-dev', failure: { code: 'UNAVAILABLE', message: '503', retry: 'now' } as const }];
    await scan('filters', page(T + 150, [same('keep', 1)], { failures }), { scan: 'filters-1b' });
    expect(await status('filters')).toMatchObject({ total: 2, failed: 1, excluded: 0 });
    await scan('filters', page(T + 200, [same('keep', 1), same('x-dev', 2)]), { scan: 'filters-2' });
    expect(await status('filters')).toMatchObject({ total: 2, excluded: 0 });
  });

  it('counts foreign tags over the pages of one scan, once', async () => {
    await mark('foreign', [synced('ours', 1, T)], T + 5);
    await scan('foreign', page(T + 100, [same('a', 1)], { extra: ['f1', 'f2'], next: 'm' }));
    const last = page(T + 110, [], { extra: ['ours', 'z1'] });
    expect(await scan('foreign', last, { after: 'm' })).toMatchObject({ foreign: 3, gone: [{ tag: 'ours' }] });
    expect(await scan('foreign', last, { after: 'm' })).toMatchObject({ foreign: 3 });
    expect(await status('foreign')).toMatchObject({ foreign: 3 });
    await scan('foreign', page(T + 200, [same('a', 1)], { extra: ['f1'] }), { scan: 'foreign-2' });
    expect(await status('foreign')).toMatchObject({ foreign: 1 });
  });

  it('lets an earlier scan that ends late not speak for the repository', async () => {
    await scan('order', page(T + 100, [same('a', 1)]), { scan: 'order-2' });
    await scan('order', page(T, [], { extra: ['x'] }), { scan: 'order-1' });
    expect(await repositoryOf('order')).toMatchObject({ last_scan: 'order-2', foreign_tags: 0, completed_scan_at: T + 100 });
  });
});

describe('a page that was compared before the repository’s workflow began', () => {
  it('is refused where a later scan is recorded, and is recorded a second time where it is its own', async () => {
    await scan('ahead', page(T + 1_000, [same('v1', 1)]), { scan: 'later' });
    const before = await rowOf('ahead', 'v1');
    expect(await scan('ahead', page(T, [differs('v1', 2), differs('v2', 2)]), { scan: 'old', ahead: true })).toMatchObject({
      late: true,
      gone: [],
    });
    expect(await rowOf('ahead', 'v1')).toEqual(before);
    expect(await rowOf('ahead', 'v2')).toBeUndefined();
    for (let times = 0; times < 2; times++) {
      const recorded = await scan('ahead', page(T + 2_000, [differs('v1', 2)]), { scan: 'new', ahead: true });
      expect(recorded).not.toHaveProperty('late');
    }
    expect(await repositoryOf('ahead')).toMatchObject({ last_scan: 'new', scan_started: T + 2_000 });
  });
});

describe('knownRepositories', () => {
  it('pages what scans and images know and this backfill has not scanned', async () => {
    const policy = policyOf('known');
    const names = ['a/b', 'a-b', 'a', 'Z'.toLowerCase(), 'b', 'c'];
    for (const name of names) await markVerification(use.ledger, { policy, repository: name, outcomes: [synced('v', 1, T)] }, T);
    const scanned = { policy, scan: 'known-b', page: page(T + 100, []), verify: 'auto' } as const;
    await recordScan(use.ledger, { ...scanned, repository: 'b' }, T + 110, all);
    await recordScan(use.ledger, { ...scanned, repository: 'only-scanned', scan: 'known-o', page: page(T, []) }, T + 1, all);
    const input = { policy, scannedBefore: T + 50, limit: 3 };
    expect(await knownRepositories(use.ledger, input)).toEqual(['a', 'a-b', 'a/b']);
    expect(await knownRepositories(use.ledger, { ...input, after: 'a/b' })).toEqual(['c', 'only-scanned', 'z']);
    expect(await knownRepositories(use.ledger, { ...input, after: 'z' })).toEqual([]);
  });

  it('counts no more what the filters leave out whole', async () => {
    const policy = policyOf('known-out');
    for (const name of ['a', 'b', 'c', 'd'])
      await markVerification(use.ledger, { policy, repository: name, outcomes: [synced('v', 1, T)] }, T);
    const inScope = (name: string) => name === 'd';
    expect(await knownRepositories(use.ledger, { policy, scannedBefore: T, limit: 2 }, inScope)).toEqual(['d']);
    expect(await status('known-out')).toMatchObject({ total: 1 });
  });
});

describe('recordSettledScans', () => {
  const settle = (site: string, of: CompareRepositoryResult, at = of.look + 10) =>
    recordSettledScans(use.ledger, { policy: policyOf(site), scan: `${site}-run`, equal: [{ repository, page: of }] }, at, all);

  it('records the scan of a repository in which nothing is to be done', async () => {
    await mark('settled', [synced('a', 1, T)], T + 5);
    expect(await settle('settled', page(T + 100, [same('a', 1)]))).toMatchObject({ others: [] });
    expect(await rowOf('settled', 'a')).toMatchObject({ sync: 'synced', verification: 'succeeded', looked_at: T + 100 });
    expect(await repositoryOf('settled')).toMatchObject({
      complete: true,
      completed_scan_at: T + 100,
      last_scan: `settled-run/${repository}`,
    });
    // The same record again, as an activity's retry makes it.
    expect(await settle('settled', page(T + 100, [same('a', 1)]))).toMatchObject({ others: [] });
    expect(await repositoryOf('settled')).toMatchObject({ pages: 1 });
  });

  it.each([
    { why: 'is to be read back', tags: [same('a', 1), same('new', 2)], at: T + 110 },
    { why: 'was verified too long ago', tags: [same('a', 1)], at: T + 8 * DAY_MS },
    { why: 'holds another digest than was verified', tags: [same('a', 3)], at: T + 110 },
    { why: 'is gone at the primary', tags: [], at: T + 110 },
  ])('leaves as it was one of which something $why', async ({ why, tags, at }) => {
    await mark(why, [synced('a', 1, T)], T + 5);
    const before = await rowOf(why, 'a');
    expect(await settle(why, page(T + 100, tags), at)).toMatchObject({ others: [repository] });
    expect(await rowOf(why, 'a')).toEqual(before);
    expect(await rowOf(why, 'new')).toBeUndefined();
    expect(await repositoryOf(why)).toBeUndefined();
    expect(await use.ledger.db.selectFrom('scans').selectAll().where('site', '=', why).execute()).toEqual([]);
  });

  it('leaves alone one in which the secondary has another number of tags that are nobody’s: they may be ours, that are being deleted', async () => {
    await mark('strangers', [synced('a', 1, T)], T + 5);
    const more = { ...page(T + 100, [same('a', 1)]), extra: ['mine'] };
    expect(await settle('strangers', more)).toMatchObject({ others: [repository] });
    await scan('strangers', more, { scan: 'strangers-1' });
    expect(await settle('strangers', { ...more, look: T + 200 })).toMatchObject({ others: [] });
    expect(await repositoryOf('strangers')).toMatchObject({ foreign_tags: 1, last_scan: `strangers-run/${repository}` });
  });

  it('cancels no deletion that a later look decided', async () => {
    await mark('late', [synced('a', 1, T)], T + 5);
    await scan('late', page(T + 200, []), { scan: 'late-1' });
    await use.ledger.db
      .insertInto('deletions')
      .values({ id: 'late-a', site: 'late', repository, tag: 'a', digest: digest(1), state: 'held', reason: 'budget', created_at: T + 200 })
      .execute();
    await settle('late', page(T + 100, [same('a', 1)]));
    expect(await use.ledger.db.selectFrom('deletions').select('state').where('id', '=', 'late-a').execute()).toEqual([{ state: 'held' }]);
  });

  it('ends moves that are done, and forgets tags that keep nothing any more, in each of many', async () => {
    const policy = policyOf('many');
    const names = ['b/two', 'a/one', 'c/three'];
    for (const name of names) {
      await markVerification(use.ledger, { policy, repository: name, outcomes: [synced('a', 1, T)] }, T + 5);
      const move = { id: `many-${name}`, site: 'many', repository: name, tag: 'a', from_digest: digest(2), to_digest: digest(1) };
      await use.ledger.db
        .insertInto('moves')
        .values({ ...move, created_at: T, state: 'reserved' })
        .execute();
      await use.ledger.db.insertInto('keeps').values({ site: 'many', repository: name, tag: 'twinport-kept', since: T }).execute();
    }
    const equal = names.map((name) => ({ repository: name, page: page(T + 100, [same('a', 1)], { kept: [] }) }));
    const recorded = await recordSettledScans(use.ledger, { policy, scan: 'many-run', equal }, T + 110, all);
    expect(recorded).toEqual({ summary: '3 of 3 repositories settled', others: [] });
    const rows = await use.ledger.db.selectFrom('repositories').selectAll().where('site', '=', 'many').orderBy('repository').execute();
    expect(rows.map(({ repository: name, listed, closed_scan_at }) => [name, listed, closed_scan_at])).toEqual(
      names.toSorted().map((name) => [name, 1, T + 100]),
    );
    const moves = await use.ledger.db.selectFrom('moves').select('state').where('site', '=', 'many').execute();
    expect(moves).toEqual(names.map(() => ({ state: 'done' })));
    expect(await use.ledger.db.selectFrom('keeps').selectAll().where('site', '=', 'many').execute()).toEqual([]);
  });

  it('records by so many rows at a time, excluded ones too, and each repository once', async () => {
    const policy = policyOf('wide');
    for (const name of ['a', 'b', 'c']) {
      await markVerification(use.ledger, { policy, repository: name, outcomes: [synced('a', 1, T)] }, T + 5);
      if (name === 'c') continue;
      await sql`
        insert into images select (jsonb_populate_record(i, jsonb_build_object('tag', 'x' || n, 'out_of_scope', true))).*
        from images i, generate_series(1, 1500) n where site = 'wide' and repository = ${name}`.execute(use.ledger.db);
    }
    const equal = ['a', 'b', 'c', 'b'].map((name) => ({ repository: name, page: page(T + 100, [same('a', 1)]) }));
    const recorded = await recordSettledScans(use.ledger, { policy, scan: 'wide-run', equal }, T + 110, (tag) => !tag.startsWith('x'));
    expect(recorded).toEqual({ summary: '3 of 3 repositories settled', others: [] });
    const { rows } = await sql<{ by: string }>`
      select xmin::text as by from repositories where site = 'wide' order by repository`.execute(use.ledger.db);
    const [first, second, third] = rows.map(({ by }) => by);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
  });

  it('settles the others of one call', async () => {
    await mark('both', [synced('a', 1, T)], T + 5);
    const equal = [
      { repository: 'library/new', page: page(T + 100, [same('a', 1)]) },
      { repository, page: page(T + 100, [same('a', 1)]) },
    ];
    const settled = await recordSettledScans(use.ledger, { policy: policyOf('both'), scan: 'both-run', equal }, T + 110, all);
    expect(settled).toEqual({ summary: '1 of 2 repositories settled', others: ['library/new'] });
    expect(await repositoryOf('both')).toMatchObject({ repository, complete: true });
  });
});

describe('settledRepositories', () => {
  const settled = async (site: string, at = T + 1_000) =>
    (await settledRepositories(use.ledger, { policy: policyOf(site), repositories: ['unknown', repository] }, at)).repositories;

  it('are those whose last scan was complete and of whose tags all are verified', async () => {
    await mark('calm', [synced('a', 1, T)], T + 5);
    // Known by an image alone.
    expect(await settled('calm')).toEqual([]);
    await scan('calm', page(T + 100, [same('a', 1)]));
    expect(await settled('calm')).toEqual([repository]);
    expect(await settled('calm', T + 8 * DAY_MS)).toEqual([]);
    await use.ledger.db.insertInto('regressions').values({ site: 'calm', state: 'held', since: T, sampled: 5, missing: 5 }).execute();
    expect(await settled('calm')).toEqual([]);
  });

  it.each([
    { why: 'differs', tags: [differs('a', 2)] },
    { why: 'is new', tags: [same('a', 1), same('b', 2)] },
    { why: 'is gone', tags: [] },
  ])('are none of those in which one $why', async ({ why, tags }) => {
    await mark(`calm ${why}`, [synced('a', 1, T)], T + 5);
    await scan(`calm ${why}`, page(T + 100, tags));
    expect(await settled(`calm ${why}`)).toEqual([]);
  });
});
