import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { imageDetail, markVerification, openLedger, recordScan, siteStatus, tagHistory } from '../../src/ledger/index.ts';
import type { Difference } from '../../src/model/failure.ts';
import type { CompareRepositoryResult, ImageOutcome } from '../../src/model/steps.ts';
import { all, digest, failed, page, policyOf, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'library/app';

function mark(site: string, outcome: ImageOutcome, lookEnd: number) {
  return markVerification(use.ledger, { policy: policyOf(site), repository, outcomes: [outcome] }, lookEnd);
}
const rowOf = (site: string, tag = 'v1') =>
  use.ledger.db.selectFrom('images').selectAll().where('site', '=', site).where('tag', '=', tag).executeTakeFirst();

describe('markVerification', () => {
  it('records a verified image', async () => {
    expect(await mark('plain', synced('v1', 1, 1000), 1500)).toMatchObject({ recorded: 1, overlapping: [] });
    expect(await imageDetail(use.ledger, { site: 'plain', repository, tag: 'v1' })).toEqual({
      repository,
      tag: 'v1',
      reference: 'library/app:v1',
      digest: digest(1),
      sync: 'synced',
      verification: 'succeeded',
      reason: null,
      difference: null,
      waived: false,
      attempts: 0,
      bytes: 100,
      lookedAt: new Date(1000).toISOString(),
      verifiedAt: new Date(1500).toISOString(),
      primary: { digest: digest(1), lookedAt: new Date(1000).toISOString() },
      secondary: { digest: digest(1), verifiedAt: new Date(1500).toISOString() },
      ...{ changedAt: null, receivedAt: null, missingSince: null, outOfScope: false, history: [], deletion: null, move: null },
      ...{ referrers: null, referrerCount: null },
    });
  });

  it('fences off a look that is no later than the one recorded', async () => {
    await mark('fence', synced('v1', 2, 2000), 2500);
    expect(await mark('fence', synced('v1', 1, 1000), 1500)).toMatchObject({ recorded: 0, overlapping: [] });
    expect(await mark('fence', failed('v1', 1900), 1950)).toMatchObject({ recorded: 0 });
    expect(await rowOf('fence')).toMatchObject({ digest: digest(2), sync: 'synced', look: 2000, verified_at: 2500, reason: null });
  });

  it('makes overlapping looks that differ pending, whichever is recorded first', async () => {
    const [a, b] = [synced('v1', 1, 1000), synced('v1', 2, 1500)];
    await mark('overlap-1', a, 2000);
    expect(await mark('overlap-1', b, 1600)).toMatchObject({ recorded: 1, overlapping: ['v1'] });
    await mark('overlap-2', b, 1600);
    expect(await mark('overlap-2', a, 2000)).toMatchObject({ recorded: 1, overlapping: ['v1'] });
    for (const site of ['overlap-1', 'overlap-2']) {
      expect(await rowOf(site)).toMatchObject({ sync: 'pending', verification: 'pending', look: 1500, look_end: 2000 });
      expect((await rowOf(site))?.changed_at).not.toBeNull();
      // A third look that began before both had ended proves nothing either, even where it agrees with one of them.
      expect(await mark(site, synced('v1', 2, 1900), 1950)).toMatchObject({ overlapping: ['v1'] });
      expect(await mark(site, synced('v1', 2, 2100), 2200)).toMatchObject({ recorded: 1, overlapping: [] });
      expect(await rowOf(site)).toMatchObject({ sync: 'synced', digest: digest(2), verified_at: 2200, changed_at: null });
    }
  });

  it('says overlapping again when the record is repeated', async () => {
    await mark('repeat', synced('v1', 1, 1000), 2000);
    await mark('repeat', synced('v1', 2, 1500), 2500);
    expect(await mark('repeat', synced('v1', 2, 1500), 2500)).toMatchObject({ recorded: 1, overlapping: ['v1'] });
    expect(await mark('repeat', synced('v1', 1, 1000), 2000)).toMatchObject({ overlapping: ['v1'] });
  });

  it('takes overlapping looks that agree', async () => {
    await mark('agree', synced('v1', 1, 1000), 2000);
    expect(await mark('agree', synced('v1', 1, 1500), 1800)).toMatchObject({ recorded: 1, overlapping: [] });
    expect(await rowOf('agree')).toMatchObject({ sync: 'synced', look: 1500, look_end: 2000 });
    expect(await mark('agree', synced('v1', 2, 1900), 1950)).toMatchObject({ overlapping: ['v1'] });
  });

  it('keeps what was verified when a later look fails, and counts attempts', async () => {
    await mark('failing', synced('v1', 1, 1000), 1100);
    await mark('failing', failed('v1', 2000, { digest: digest(2) }), 2100);
    expect(await rowOf('failing')).toMatchObject({
      sync: 'failed',
      digest: digest(2),
      verified_digest: digest(1),
      verified_at: 1100,
      attempts: 1,
      reason: 'no',
      code: 'DENIED',
      changed_at: 2000,
    });
    await mark('failing', failed('v1', 3000), 3100);
    expect(await rowOf('failing')).toMatchObject({ attempts: 2, changed_at: 2000 });
    await mark('failing', failed('v1', 4000, { attempts: 9 }), 4100);
    expect(await rowOf('failing')).toMatchObject({ attempts: 9 });
    await mark('failing', synced('v1', 2, 5000), 5100);
    expect(await rowOf('failing')).toMatchObject({
      sync: 'synced',
      attempts: 0,
      reason: null,
      code: null,
      changed_at: null,
      digest: digest(2),
    });
  });

  it('keeps what was wanted and found, until it is verified or fails otherwise', async () => {
    const difference: Difference = {
      ...{ repository, reference: digest(8), want: { digest: digest(8), size: 3 }, have: null, remedy: 'remove it' },
      what: 'blob',
    };
    const failure = { code: 'DIGEST_MISMATCH', message: 'differs', retry: 'later', difference } as const;
    await mark('differs', failed('v1', 1000, { failure }), 1100);
    expect(await imageDetail(use.ledger, { site: 'differs', repository, tag: 'v1' })).toMatchObject({ reason: 'differs', difference });
    await mark('differs', failed('v1', 2000), 2100);
    expect(await imageDetail(use.ledger, { site: 'differs', repository, tag: 'v1' })).toMatchObject({ reason: 'no', difference: null });
    await mark('differs', failed('v1', 3000, { failure }), 3100);
    await mark('differs', synced('v1', 1, 4000), 4100);
    expect(await imageDetail(use.ledger, { site: 'differs', repository, tag: 'v1' })).toMatchObject({ reason: null, difference: null });
  });

  it('dates a change by its event', async () => {
    await mark('received', { tag: 'v1', sync: 'started', verification: 'pending', look: 2000, receivedAt: 1700 }, 2000);
    expect(await rowOf('received')).toMatchObject({ sync: 'started', changed_at: 1700, received_at: 1700 });
    await mark('received', { tag: 'v1', sync: 'pending', verification: 'pending', look: 3000, receivedAt: 2900 }, 3000);
    expect(await rowOf('received')).toMatchObject({ sync: 'pending', changed_at: 1700, received_at: 2900 });
  });

  it('dates what comes back anew, whether a look or a listing sees it', async () => {
    const listed = { tag: 'v1', digest: digest(3), same: false };
    const failure = { code: 'UNAVAILABLE', message: '503', retry: 'now' } as const;
    const seen: Record<string, (site: string) => Promise<unknown>> = {
      look: (site) => mark(site, failed('v1', 5000, { digest: digest(3) }), 5100),
      listing: (site) => scan(site, page(5000, [listed])),
      'unread listing': (site) => scan(site, page(5000, [], { failures: [{ tag: 'v1', failure }] })),
    };
    const scan = (site: string, of: CompareRepositoryResult) =>
      recordScan(use.ledger, { policy: policyOf(site), repository, scan: site, verify: 'auto', page: of }, 5100, all);
    for (const [site, again] of Object.entries(seen)) {
      await mark(site, synced('v1', 1, 1000), 1100);
      await mark(site, failed('v1', 2000, { digest: digest(2) }), 2100);
      await mark(site, { tag: 'v1', sync: 'pending', verification: 'pending', look: 3000, gone: true }, 3100);
      await again(site);
      expect({ site, ...(await rowOf(site)) }).toMatchObject({ site, missing_since: null, changed_at: 5000 });
    }
  });

  it('forgets a tag that never was at the secondary, and marks another as missing', async () => {
    const gone = (look: number): ImageOutcome => ({ tag: 'v1', sync: 'pending', verification: 'pending', look, gone: true });
    await mark('gone-1', failed('v1', 1000), 1100);
    expect(await mark('gone-1', gone(900), 950)).toMatchObject({ recorded: 0 });
    expect(await rowOf('gone-1')).toBeDefined();
    expect(await mark('gone-1', gone(2000), 2100)).toMatchObject({ recorded: 1 });
    expect(await rowOf('gone-1')).toBeUndefined();
    expect(await mark('gone-1', gone(3000), 3100)).toMatchObject({ recorded: 0 });
    expect(await rowOf('gone-1')).toBeUndefined();

    await mark('gone-2', synced('v1', 1, 1000), 1100);
    await mark('gone-2', gone(2000), 2100);
    await mark('gone-2', gone(3000), 3100);
    expect(await rowOf('gone-2')).toMatchObject({ missing_since: 2000, missing_look: null, verified_digest: digest(1) });
    expect((await siteStatus(use.ledger, ['gone-2']))[0]).toMatchObject({ total: 0, verified: 0 });
    await mark('gone-2', synced('v1', 1, 4000), 4100);
    expect(await rowOf('gone-2')).toMatchObject({ missing_since: null, sync: 'synced' });
  });

  it('knows as ours what was put in the moment in which the primary lost it', async () => {
    const put: ImageOutcome = { tag: 'v1', sync: 'pending', verification: 'pending', put: digest(2), look: 2000 };
    await mark('put', put, 2100);
    expect(await rowOf('put')).toMatchObject({ sync: 'pending', verification: 'pending', verified_digest: null, put_digests: [digest(2)] });
    expect((await siteStatus(use.ledger, ['put']))[0]).toMatchObject({ total: 1, verified: 0 });
    await mark('put', { tag: 'v1', sync: 'pending', verification: 'pending', look: 3000, gone: true }, 3100);
    expect(await rowOf('put')).toMatchObject({ missing_since: 3000, put_digests: [digest(2)] });
  });

  it('remembers the latest few digests that a tag may hold, the likeliest first', async () => {
    const puts = async () => (await rowOf('puts'))?.put_digests;
    await mark('puts', synced('v1', 1, 1000), 1100);
    expect(await puts()).toEqual([digest(1)]);
    // Failed after it was put; and once more, which is no news.
    await mark('puts', failed('v1', 2000, { put: digest(2) }), 2100);
    await mark('puts', failed('v1', 2500, { put: digest(2) }), 2600);
    expect(await puts()).toEqual([digest(2), digest(1)]);
    // What failed before it was put says nothing.
    await mark('puts', failed('v1', 3000, { digest: digest(3) }), 3100);
    expect(await puts()).toEqual([digest(2), digest(1)]);
    // A look that is recorded too late.
    expect(await mark('puts', failed('v1', 900, { put: digest(4) }), 950)).toMatchObject({ recorded: 0 });
    expect(await puts()).toEqual([digest(2), digest(1), digest(4)]);
    await mark('puts', synced('v1', 4, 4000), 4100);
    expect(await puts()).toEqual([digest(4), digest(2), digest(1)]);
    for (let n = 5; n < 12; n++) await mark('puts', synced('v1', n, n * 1000), n * 1000 + 100);
    expect(await puts()).toEqual([11, 10, 9, 8, 7, 6, 5, 4].map(digest));
  });

  it('tells of an overwrite whose worker died before it could', async () => {
    await mark('untold', synced('v1', 1, 1000), 1100);
    // The successor found the tag put already.
    await mark('untold', synced('v1', 2, 2000), 2100);
    await mark('untold', synced('v1', 2, 2500), 2600);
    // Another died, and the tag moved before its successor looked.
    await mark('untold', synced('v1', 4, 3000, { previous: digest(3) }), 3100);
    // Told by a round that saw the tag move on; the one that verified it need not say so again.
    await mark('untold', { tag: 'v1', sync: 'pending', verification: 'pending', look: 4000, previous: digest(4) }, 4100);
    await mark('untold', synced('v1', 6, 5000, { previous: digest(5) }), 5100);
    // A late look tells nothing.
    await mark('untold', synced('v1', 1, 900), 950);
    expect(await tagHistory(use.ledger.db, { site: 'untold', repository, tag: 'v1' })).toEqual([
      { oldDigest: digest(5), newDigest: digest(6), at: 5100 },
      { oldDigest: digest(4), newDigest: null, at: 4100 },
      { oldDigest: digest(2), newDigest: digest(3), at: 3100 },
      { oldDigest: digest(3), newDigest: digest(4), at: 3100 },
      { oldDigest: digest(1), newDigest: digest(2), at: 2100 },
    ]);
  });

  it('keeps each overwrite once, also of a look that came too late', async () => {
    const overwrite = synced('v1', 2, 1000, { previous: digest(1) });
    await mark('history', overwrite, 1100);
    await mark('history', overwrite, 1100);
    await mark('history', synced('v1', 3, 3000, { previous: digest(2) }), 3100);
    await mark('history', synced('v1', 9, 2000, { previous: digest(8) }), 2100);
    const history = await tagHistory(use.ledger.db, { site: 'history', repository, tag: 'v1' });
    expect(history).toEqual([
      { oldDigest: digest(2), newDigest: digest(3), at: 3100 },
      { oldDigest: digest(8), newDigest: digest(9), at: 2100 },
      { oldDigest: digest(1), newDigest: digest(2), at: 1100 },
    ]);
  });

  it('takes several outcomes of one tag in one call', async () => {
    const policy = policyOf('double');
    const outcomes = [synced('v1', 1, 1000), failed('v1', 900), synced('v2', 1, 1000), failed('v1', 5000)];
    expect(await markVerification(use.ledger, { policy, repository, outcomes }, 1100)).toMatchObject({ recorded: 3 });
    expect(await rowOf('double')).toMatchObject({ sync: 'failed', verified_digest: digest(1) });
  });

  it('takes reasons that PostgreSQL could not hold', async () => {
    await mark('nul', failed('v1', 1000, { failure: { code: 'INVALID', message: `a\0b${'x'.repeat(9000)}`, retry: 'never' } }), 1100);
    expect((await rowOf('nul'))?.reason).toMatch(/^abx+$/);
  });
});

describe('micro-batches', () => {
  it('puts concurrent calls into few transactions, and answers each', async () => {
    const calls = Array.from({ length: 200 }, (_, n) => mark('batch', synced(`t${n}`, n, 1000 + n), 1500));
    const results = await Promise.all(calls);
    expect(results.every(({ recorded }) => recorded === 1)).toBe(true);
    expect((await siteStatus(use.ledger, ['batch']))[0]).toMatchObject({ total: 200, verified: 200 });
    // Each row says which transaction wrote it.
    const { rows } = await sql<{ n: number }>`
      select count(distinct xmin::text)::int as n from images where site = 'batch'`.execute(use.ledger.db);
    expect(rows[0]?.n).toBeLessThan(20);
  });

  it('does not let one bad call spoil the others', async () => {
    const bad = { ...synced('bad', 1, 1000), sync: 'unheard-of' as never };
    const [good, refused, other] = await Promise.allSettled([
      mark('isolate', synced('good', 1, 1000), 1100),
      mark('isolate', bad, 1100),
      mark('isolate', synced('other', 1, 1000), 1100),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: { recorded: 1 } });
    expect(other).toMatchObject({ status: 'fulfilled', value: { recorded: 1 } });
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'INTERNAL' } });
    expect((await siteStatus(use.ledger, ['isolate']))[0]).toMatchObject({ total: 2 });
  });

  it('records calls of several processes about the same tags, in any order', async () => {
    const other = await openLedger(use.server.poolConfig);
    const tags = Array.from({ length: 40 }, (_, n) => `t${n}`);
    const policy = policyOf('processes');
    const calls = Array.from({ length: 40 }, (_, n) => {
      const order = n % 2 === 0 ? tags : [...tags].reverse();
      const outcomes = order.map((tag) => synced(tag, n, 1000 + n * 10));
      return markVerification(n % 3 === 0 ? other : use.ledger, { policy, repository, outcomes }, 1005 + n * 10);
    });
    await Promise.all(calls);
    await other.close();
    const { rows } = await sql`select distinct sync, verified_digest from images where site = 'processes'`.execute(use.ledger.db);
    expect(rows).toEqual([{ sync: 'synced', verified_digest: digest(39) }]);
  });
});

describe('interleavings', () => {
  it('never calls a tag synced at a digest that the secondary does not hold', async () => {
    let random = 42;
    const next = (below: number): number => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((random / 2_147_483_648) * below);
    };
    let proved = 0;
    const runs = 150;
    for (let run = 0; run < runs; run += 1) {
      const tag = `run${run}`;
      const looks = Array.from({ length: 2 + next(4) }, () => {
        const look = 1000 + next(100);
        const write = look + 1 + next(20);
        const read = write + 1 + next(20);
        return { look, write, read, end: read + 1 + next(30), n: 1 + next(3) };
      });
      // What the secondary holds at a moment: the last write before it.
      const heldAt = (at: number) =>
        looks
          .filter(({ write }) => write <= at)
          .sort((a, b) => a.write - b.write)
          .at(-1);
      const outcomes = looks.map(({ look, read, end, n }) => ({
        outcome: heldAt(read)?.n === n ? synced(tag, n, look) : failed(tag, look, { digest: digest(n) }),
        end,
      }));
      // Records arrive in any order, some twice.
      const arrivals = [...outcomes, ...outcomes.slice(0, next(2))]
        .map((one) => ({ ...one, order: next(1000) }))
        .sort((a, b) => a.order - b.order);
      for (const { outcome, end } of arrivals) await mark('interleave', outcome, end);
      const row = await rowOf('interleave', tag);
      if (row?.sync !== 'synced') continue;
      proved += 1;
      expect({ tag, held: row.verified_digest }).toEqual({ tag, held: digest(heldAt(Infinity)?.n ?? 0) });
    }
    expect(proved).toBeGreaterThan(runs / 10);
    expect(proved).toBeLessThan(runs);
  });
});
