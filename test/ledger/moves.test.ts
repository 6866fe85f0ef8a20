import { describe, expect, it } from '@jest/globals';
import {
  decideMoves,
  decideRegression,
  judgePrimary,
  listImages,
  listMoves,
  markVerification,
  planDeletions,
  recordEvents,
  recordScan,
  siteStatus,
  sweep,
} from '../../src/ledger/index.ts';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { ComparedTag, RecordScanResult } from '../../src/model/steps.ts';
import { all, DAY_MS, differs, digest, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const T = 1_000_000_000_000;
let clock = T;

const tagsOf = (n: number): string[] => Array.from({ length: n }, (_, at) => `t${String(at).padStart(2, '0')}`);

/** What a repository's tags are published and verified at, one after the other; numbers are digests. */
async function verified(site: string, repository: string, tags: readonly string[], ...numbers: number[]): Promise<void> {
  let before: number | undefined;
  for (const n of numbers) {
    clock += 1_000;
    const previous = before === undefined ? {} : { previous: digest(before) };
    const outcomes = tags.map((tag) => synced(tag, n, clock, previous));
    await markVerification(use.ledger, { policy: policyOf(site), repository, outcomes }, clock + 5);
    before = n;
  }
}
async function scan(
  site: string,
  repository: string,
  tags: readonly ComparedTag[],
  deletes: Partial<SitePolicy['deletes']> = {},
): Promise<RecordScanResult> {
  clock += 1_000;
  const input = { policy: policyOf(site, deletes), repository, scan: `${site}-${clock}`, verify: 'auto' as const, page: page(clock, tags) };
  return recordScan(use.ledger, input, clock + 5, all);
}
/** Which of these tags a scan holds that finds them all moved to a digest. */
async function heldOf(site: string, repository: string, tags: readonly string[], to: number): Promise<RecordScanResult['held']> {
  const moved = tags.map((tag) => differs(tag, to));
  return (await scan(site, repository, moved)).held;
}
const status = async (site: string) => (await siteStatus(use.ledger, [site]))[0];
const judge = (site: string, sampled: number, missing: number) =>
  judgePrimary(use.ledger, { policy: policyOf(site), repository: 'app', sampled, missing });

describe('moves back', () => {
  it('are none of what a later look verified', async () => {
    const tags = tagsOf(12);
    await verified('later', 'app', tags, 1, 2);
    const look = clock + 1;
    await verified('later', 'app', tags, 3);
    const back = page(
      look,
      tags.map((tag) => differs(tag, 1)),
    );
    const plan = await recordScan(
      use.ledger,
      { policy: policyOf('later'), repository: 'app', scan: 'later-old', verify: 'auto', page: back },
      clock + 5,
      all,
    );
    expect(plan).not.toHaveProperty('moves');
    expect((await listMoves(use.ledger, 'later')).items).toEqual([]);
  });

  it('of one tag go, of many at once are held, approved and followed, and are done once read back', async () => {
    const tags = tagsOf(12);
    await verified('mass', 'app', tags, 1, 2);
    const one = await scan('mass', 'app', [differs('t00', 1), ...tags.slice(1).map((tag) => same(tag, 2))]);
    expect(one).toMatchObject({ moves: ['t00'] });
    expect(one.held).toBeUndefined();
    await verified('mass', 'app', ['t00'], 1);

    // The ninth part of ten is one, and it is spent.
    const many = await scan(
      'mass',
      'app',
      tags.map((tag) => (tag === 't00' ? same(tag, 1) : differs(tag, 1))),
    );
    expect(many.held).toEqual(tags.slice(1));
    expect(await status('mass')).toMatchObject({ heldMoves: 11, pending: 11, ready: false });
    const { items } = await listMoves(use.ledger, 'mass');
    expect(items).toHaveLength(11);
    expect(items[0]).toMatchObject({
      reference: 'app:t01',
      from: digest(2),
      to: digest(1),
      state: 'held',
      reason: expect.stringMatching(/would move 11 tags of 12 back/),
    });
    expect((await listImages(use.ledger, 'mass', { state: 'pending', limit: 1 })).items[0]?.reason).toMatch(/^held: would move 11 tags/);
    // Asked again it is the same question.
    expect(await heldOf('mass', 'app', tags.slice(1), 1)).toEqual(tags.slice(1));
    expect((await listMoves(use.ledger, 'mass')).items.map(({ id }) => id)).toEqual(items.map(({ id }) => id));

    const [first, second, ...rest] = items.map(({ id }) => id);
    expect(await decideMoves(use.ledger, 'mass', [first ?? '', ...rest], 'approve', 'ops')).toEqual({ count: 10, repositories: ['app'] });
    expect(await decideMoves(use.ledger, 'mass', [second ?? ''], 'reject', 'ops')).toMatchObject({ count: 1 });
    expect(await heldOf('mass', 'app', tags.slice(1), 1)).toEqual(['t02']);
    await verified(
      'mass',
      'app',
      tags.filter((tag) => tag !== 't02'),
      1,
    );
    expect((await listMoves(use.ledger, 'mass', { state: 'moved' })).items).toHaveLength(11);
    // A rejected move stands until the primary's tag is something else.
    expect((await scan('mass', 'app', [differs('t02', 1)])).held).toEqual(['t02']);
    expect((await scan('mass', 'app', [differs('t02', 3)])).held).toBeUndefined();
    expect((await listMoves(use.ledger, 'mass', { state: 'cancelled' })).items).toMatchObject([{ reference: 'app:t02' }]);
  });

  it('of one tag, again and again, are one tag’s', async () => {
    await verified('flaps', 'app', ['latest'], 1, 2);
    expect((await scan('flaps', 'app', [differs('latest', 1)])).held).toBeUndefined();
    await verified('flaps', 'app', ['latest'], 1);
    // As markVerification tells of it: what was there before is in the history.
    expect((await scan('flaps', 'app', [differs('latest', 2)])).held).toBeUndefined();
    await verified('flaps', 'app', ['latest'], 2);
    expect((await scan('flaps', 'app', [differs('latest', 1)])).held).toBeUndefined();
  });

  it('that events announced, to what is new, or under mirror, are followed', async () => {
    const tags = tagsOf(5);
    await verified('told', 'told', tags, 1, 2);
    const at = T + 100 * DAY_MS;
    const change = (tag: string) => ({
      id: `e-${tag}`,
      source: 'distribution',
      repository: 'told',
      action: 'push' as const,
      tag,
      digest: digest(1),
    });
    const event = (tag: string) => ({ change: change(tag), receivedAt: at });
    await recordEvents(use.ledger, tags.slice(0, 3).map(event));
    // Three of five were pushed; the other two are one too many.
    expect(await heldOf('told', 'told', tags, 1)).toEqual(['t03', 't04']);

    await verified('new', 'app', tags, 1, 2);
    expect(await heldOf('new', 'app', tags, 3)).toBeUndefined();
    await verified('mirror', 'app', tags, 1, 2);
    expect(
      (
        await scan(
          'mirror',
          'app',
          tags.map((tag) => differs(tag, 1)),
          { policy: 'mirror' },
        )
      ).held,
    ).toBeUndefined();
  });

  it('in many repositories of one tag each are held once a tenth of the site has moved', async () => {
    const repositories = tagsOf(20);
    for (const repository of repositories) await verified('wide', repository, ['latest'], 1, 2);
    const held: string[] = [];
    for (const repository of repositories.slice(0, 5)) {
      if ((await scan('wide', repository, [differs('latest', 1)])).held) held.push(repository);
    }
    expect(held).toEqual(['t02', 't03', 't04']);
  });

  it('are cancelled when the primary comes back to what the site holds, and expire', async () => {
    const tags = tagsOf(4);
    await verified('back', 'app', tags, 1, 2);
    expect(await heldOf('back', 'app', tags, 1)).toHaveLength(4);
    await scan(
      'back',
      'app',
      tags.slice(0, 2).map((tag) => same(tag, 2)),
    );
    expect(await status('back')).toMatchObject({ heldMoves: 2 });
    await use.ledger.db.updateTable('moves').set({ expires_at: 1 }).where('site', '=', 'back').where('state', '=', 'held').execute();
    await sweep(use.ledger, { inboxMs: DAY_MS, auditMs: DAY_MS, historyMs: 100_000 * DAY_MS });
    expect((await listMoves(use.ledger, 'back', { state: 'expired' })).items).toHaveLength(2);
    // Nobody said yes: it is asked anew.
    expect(await heldOf('back', 'app', tags.slice(2), 1)).toEqual(['t02', 't03']);
  });
});

describe('a primary that has regressed', () => {
  it('is asked for what was verified from it, before anything moves or goes, candidates left out', async () => {
    await verified('sample', 'app', tagsOf(12), 1);
    await verified('sample', 'more', ['a', 'b', 'c'], 4);
    expect(
      (
        await scan(
          'sample',
          'app',
          tagsOf(12).map((tag) => same(tag, 1)),
        )
      ).sample,
    ).toBeUndefined();
    for (let n = 0; n < 12; n += 1) await verified('sample', 'each', [`e${n}`], 100 + n);
    // Each digest once; what is gone is no member, what moved neither where there are enough others.
    const { sample, moves, gone } = await scan('sample', 'more', [differs('a', 5), differs('b', 6)]);
    expect({ moves, gone: gone.map(({ tag }) => tag) }).toEqual({ moves: ['a', 'b'], gone: ['c'] });
    expect(sample?.map(({ digest: one }) => one).sort()).toEqual(
      [digest(1), ...Array.from({ length: 12 }, (_, n) => digest(100 + n))].sort(),
    );
  });

  it('holds the site: nothing moves or goes, a good sample lets it go', async () => {
    const tags = tagsOf(12);
    await verified('held', 'app', tags, 1);
    expect(await judge('held', 20, 2)).toMatchObject({ regressed: false });
    expect(await judge('held', 9, 8)).toMatchObject({ regressed: false });
    expect(await judge('held', 2, 2)).toMatchObject({ regressed: false });
    expect(await judge('held', 20, 3)).toMatchObject({ regressed: true });
    expect(await status('held')).toMatchObject({ ready: false, regressed: { state: 'held', sampled: 20, missing: 3 } });
    await scan('held', 'app', [differs('t00', 2)]);
    expect((await listImages(use.ledger, 'held', { state: 'pending' })).items).toMatchObject([
      { tag: 't00', reason: 'held: primary regressed' },
    ]);
    // A scan that moves nothing asks too: how else would it be let go?
    expect((await scan('held', 'other', [])).sample).not.toHaveLength(0);
    const candidates = [{ tag: 't01', digest: digest(1) }];
    const plan = { policy: policyOf('held'), repository: 'app', candidates, look: clock, confirmAfterMs: 0 };
    const events = [{ kind: 'deleted' as const, tag: 't01', receivedAt: clock }];
    expect(await planDeletions(use.ledger, { ...plan, events })).toMatchObject({
      approved: [],
      held: 1,
      summary: 'held: primary regressed',
    });
    expect(await judge('held', 5, 1)).toMatchObject({ regressed: true });
    expect(await judge('held', 20, 0)).toMatchObject({ regressed: false });
    expect(await status('held')).toMatchObject({ regressed: null });
    expect((await planDeletions(use.ledger, { ...plan, events })).approved).toMatchObject([{ tag: 't01' }]);
  });

  it('may be followed once a person said so, until it is good again; who and when is in the audit', async () => {
    await expect(decideRegression(use.ledger, 'said', 'approve', 'ops')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await judge('said', 20, 20);
    await decideRegression(use.ledger, 'said', 'reject', 'ops');
    expect(await judge('said', 20, 20)).toMatchObject({ regressed: true });
    await decideRegression(use.ledger, 'said', 'approve', 'ops');
    expect(await judge('said', 20, 20)).toMatchObject({ regressed: false });
    expect(await status('said')).toMatchObject({ regressed: { state: 'approved' } });
    await judge('said', 20, 0);
    expect(await judge('said', 20, 20)).toMatchObject({ regressed: true });
    const rows = await use.ledger.db.selectFrom('audit').select(['actor', 'action']).where('site', '=', 'said').orderBy('id').execute();
    expect(rows.map(({ actor, action }) => `${actor}: ${action}`)).toEqual([
      'twinport: primary regressed',
      'ops: primary reject',
      'ops: primary approve',
      'twinport: primary good again',
      'twinport: primary regressed',
    ]);
  });
});
