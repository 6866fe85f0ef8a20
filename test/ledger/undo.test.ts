import { describe, expect, it } from '@jest/globals';
import {
  decideDeletions,
  decideMoves,
  imageDetail,
  listDeletions,
  listImages,
  listMoves,
  markVerification,
  planDeletions,
  recordDeletions,
  recordScan,
  recordUndo,
  requestUndo,
  siteStatus,
  sweep,
  tagHistory,
  undoState,
  type Undo,
} from '../../src/ledger/index.ts';
import type { Digest } from '../../src/model/digest.ts';
import { undoneTag } from '../../src/model/reference.ts';
import type { ComparedTag, CompareRepositoryResult, RecordScanResult } from '../../src/model/steps.ts';
import { all, DAY_MS, differs, digest, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'team/app';
const tag = 'latest';
let clock = 1_000_000_000_000;
const tick = (): number => (clock += 1_000);

/** The tag was published and verified at these digests, one after the other. */
async function verified(site: string, ...numbers: number[]): Promise<void> {
  let previous: Digest | undefined;
  for (const n of numbers) {
    const outcomes = [synced(tag, n, tick(), previous ? { previous } : {})];
    await markVerification(use.ledger, { policy: policyOf(site), repository, outcomes }, clock + 5);
    previous = digest(n);
  }
}
const scan = (site: string, tags: readonly ComparedTag[], more: Partial<CompareRepositoryResult> = {}): Promise<RecordScanResult> =>
  recordScan(
    use.ledger,
    { policy: policyOf(site), repository, scan: `${site}-${tick()}`, verify: 'auto', page: page(clock, tags, more) },
    clock + 5,
    all,
  );
const ask = (site: string, to?: Digest): Promise<Undo> => requestUndo(use.ledger, { site, repository, tag }, 'ops', to);
async function done(site: string, undo: Undo, previous?: number): Promise<void> {
  const { state: _, reason: __, ...order } = undo;
  const restored = { look: tick(), ...(previous === undefined ? {} : { previous: digest(previous) }) };
  await recordUndo(use.ledger, { policy: policyOf(site), repository, order, restored }, clock + 5);
}
const status = async (site: string) => (await siteStatus(use.ledger, [site]))[0];
const image = (site: string) => imageDetail(use.ledger, { site, repository, tag });
const deletedBy = async (site: string, n: number, confirmAfterMs = 0) =>
  planDeletions(use.ledger, {
    ...{ policy: policyOf(site), repository, candidates: [{ tag, digest: digest(n) }], look: tick(), confirmAfterMs },
    events: [{ kind: 'deleted' as const, tag, receivedAt: clock }],
  });
async function deleted(site: string, n: number): Promise<void> {
  const { approved } = await deletedBy(site, n);
  const outcomes = approved.map((one) => ({ ...one, result: 'deleted' as const }));
  await recordDeletions(use.ledger, { policy: policyOf(site), repository, outcomes, look: tick() }, clock + 5);
}

describe('a move that is undone', () => {
  it('is held from the moment it is asked for, without an end, until a person lets it go', async () => {
    await verified('held', 1, 2);
    const undo = await ask('held');
    expect(undo).toMatchObject({ tag, digest: digest(1), replaces: digest(2), state: 'asked' });
    // Not done yet: both sides have the new digest, and nothing that is read meanwhile ends it.
    expect((await scan('held', [same(tag, 2)])).held).toEqual([tag]);
    await markVerification(use.ledger, { policy: policyOf('held'), repository, outcomes: [synced(tag, 2, tick())] }, clock + 5);
    expect(await undoState(use.ledger, undo.id)).toMatchObject({ state: 'asked' });
    expect((await scan('held', [differs(tag, 2)])).held).toEqual([tag]);

    await done('held', undo, 2);
    // A repeated record changes nothing.
    await recordUndo(
      use.ledger,
      { policy: policyOf('held'), repository, order: undo, restored: { look: clock, previous: digest(2) } },
      clock + 5,
    );
    expect(await undoState(use.ledger, undo.id)).toMatchObject({ state: 'restored' });
    expect(await image('held')).toMatchObject({ digest: digest(2), sync: 'pending', reason: expect.stringMatching(/^held: .*undo/) });
    expect(await tagHistory(use.ledger.db, { site: 'held', repository, tag })).toMatchObject([
      { oldDigest: digest(2), newDigest: digest(1) },
      { oldDigest: digest(1), newDigest: digest(2) },
    ]);
    expect(await status('held')).toMatchObject({ heldMoves: 1, pending: 1 });
    expect((await scan('held', [differs(tag, 2)])).held).toEqual([tag]);
    await use.ledger.db.updateTable('moves').set({ created_at: 1 }).where('site', '=', 'held').execute();
    await sweep(use.ledger, { inboxMs: DAY_MS, auditMs: DAY_MS, historyMs: 100_000 * DAY_MS });
    const { items } = await listMoves(use.ledger, 'held');
    expect(items).toMatchObject([{ id: undo.id, from: digest(1), to: digest(2), state: 'held', expiresAt: null }]);
    expect(items[0]?.reason).toMatch(/^undo by ops: set back to sha256:/);

    // Asked again it is the same; a retry must not put back what it took away.
    expect(await ask('held')).toMatchObject({ id: undo.id, state: 'restored' });
    await decideMoves(use.ledger, 'held', [undo.id], 'approve', 'ops');
    expect((await scan('held', [differs(tag, 2)])).held).toBeUndefined();
    await markVerification(
      use.ledger,
      { policy: policyOf('held'), repository, outcomes: [synced(tag, 2, tick(), { previous: digest(1) })] },
      clock + 5,
    );
    expect((await listMoves(use.ledger, 'held', { state: 'moved' })).items).toMatchObject([{ id: undo.id }]);
    expect(await status('held')).toMatchObject({ heldMoves: 0, verified: 1 });
    const rows = await use.ledger.db.selectFrom('audit').select(['actor', 'action']).where('site', '=', 'held').orderBy('id').execute();
    expect(rows.map(({ actor, action }) => `${actor}: ${action}`)).toEqual(['ops: undo', 'twinport: undo done']);
  });

  it('stands against no other move, and spends nobody’s budget', async () => {
    await verified('other', 1, 2);
    await done('other', await ask('other'), 2);
    // Pushed since: what was undone was something else.
    expect((await scan('other', [differs(tag, 3)])).held).toBeUndefined();
    expect((await listMoves(use.ledger, 'other', { state: 'cancelled' })).items).toHaveLength(1);
    await verified('rejected', 1, 2);
    const undo = await ask('rejected');
    await done('rejected', undo, 2);
    await decideMoves(use.ledger, 'rejected', [undo.id], 'reject', 'ops');
    expect((await scan('rejected', [differs(tag, 2)])).held).toEqual([tag]);

    const others = ['a', 'b'];
    for (const n of [1, 2]) {
      const previous = n === 2 ? { previous: digest(1) } : {};
      const outcomes = others.map((name) => synced(name, n, tick(), previous));
      await markVerification(use.ledger, { policy: policyOf('budget'), repository, outcomes }, clock + 5);
    }
    await verified('budget', 1, 2);
    await done('budget', await ask('budget'), 2);
    const { held } = await scan('budget', [differs('a', 1), same('b', 2), differs(tag, 2)]);
    expect(held).toEqual([tag]);
  });

  it('that another look contradicts is claimed as nothing', async () => {
    await verified('overlap', 1, 2);
    const undo = await ask('overlap');
    const begun = tick();
    await done('overlap', undo, 2);
    // It began before and was recorded after: nobody knows which of the two was last.
    await markVerification(use.ledger, { policy: policyOf('overlap'), repository, outcomes: [synced(tag, 2, begun)] }, tick());
    expect(await image('overlap')).toMatchObject({ sync: 'pending', verification: 'pending' });
  });

  it('goes further back where that is asked for, and only to what the tag stood for', async () => {
    await verified('further', 1, 2, 3);
    expect(await ask('further', digest(1))).toMatchObject({ digest: digest(1), replaces: digest(3) });
    await expect(ask('further', digest(9))).rejects.toMatchObject({
      ...{ code: 'NOT_FOUND', message: expect.stringMatching(`${digest(9)} at site "further"; it stood for ${digest(2)}, ${digest(1)}`) },
    });
    await expect(ask('further', digest(3))).rejects.toMatchObject({ code: 'CONFLICT' });
    await verified('once', 1);
    await expect(ask('once')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(`it stands for ${digest(1)}`) });
    await expect(ask('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('is not known at the site') });
    await verified('ahead', 1, 2);
    await scan('ahead', [differs(tag, 1)]);
    await expect(ask('ahead')).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('follows it by itself') });
  });

  it('and could not be done is over, and says why', async () => {
    await verified('failed', 1, 2);
    const undo = await ask('failed');
    await recordUndo(use.ledger, { policy: policyOf('failed'), repository, order: undo, reason: 'its content is gone' }, tick());
    expect(await undoState(use.ledger, undo.id)).toEqual({ state: 'failed', reason: 'its content is gone' });
    expect(await status('failed')).toMatchObject({ heldMoves: 0, verified: 1 });
    expect((await ask('failed')).id).not.toBe(undo.id);
  });
});

describe('a deletion that is undone', () => {
  it('is held, without an end and whatever the budget, until a person lets it go', async () => {
    await verified('gone', 1);
    for (const n of [7, 8]) {
      const outcomes = [synced(`stays${n}`, n, tick())];
      await markVerification(use.ledger, { policy: policyOf('gone'), repository, outcomes }, clock + 5);
    }
    const stays = [same('stays7', 7), same('stays8', 8)];
    await scan('gone', stays);
    await deleted('gone', 1);
    expect(await image('gone')).toBeUndefined();
    const undo = await ask('gone');
    expect(undo).toMatchObject({ digest: digest(1), state: 'asked' });
    expect(undo).not.toHaveProperty('replaces');
    await done('gone', undo);
    expect((await scan('gone', stays, { extra: [tag] })).foreign).toBe(0);
    await use.ledger.db.updateTable('deletions').set({ reserved_at: 1 }).where('site', '=', 'gone').where('state', '=', 'done').execute();
    expect(await deletedBy('gone', 1)).toMatchObject({ approved: [], held: 1 });
    expect(await status('gone')).toMatchObject({ held: 1, total: 2, foreign: 0 });
    expect((await listImages(use.ledger, 'gone', { state: 'held' })).items).toMatchObject([{ tag, digest: digest(1) }]);
    const { items } = await listDeletions(use.ledger, 'gone');
    expect(items).toMatchObject([
      { id: undo.id, digest: digest(1), expiresAt: null, reason: expect.stringMatching(/^undo by ops: brought back/) },
    ]);
    await decideDeletions(use.ledger, 'gone', [undo.id], 'approve', 'ops');
    const plan = await deletedBy('gone', 1);
    expect(plan.approved).toMatchObject([{ id: undo.id, tag, digest: digest(1) }]);
    // Asked again before it was carried out, it is given again.
    expect((await deletedBy('gone', 1)).approved).toEqual(plan.approved);
  });

  it('ends when the primary has the tag again', async () => {
    await verified('back', 1);
    await scan('back', []);
    await deleted('back', 1);
    await done('back', await ask('back'));
    expect((await scan('back', [differs(tag, 2)])).held).toBeUndefined();
    expect(await status('back')).toMatchObject({ held: 0 });
    expect((await listDeletions(use.ledger, 'back', { state: 'cancelled' })).items).toMatchObject([
      { reason: 'the primary holds the tag' },
    ]);
  });
});

it('keeps what says that a tag was set back as long as nobody lets it go', async () => {
  await verified('kept', 1, 2);
  const undo = await ask('kept');
  await done('kept', undo, 2);
  const kept = [undoneTag(tag), undoneTag('other')];
  const expired = async () => {
    clock += 30 * DAY_MS;
    return (await scan('kept', [differs(tag, 2)], { kept })).expired;
  };
  await scan('kept', [differs(tag, 2)], { kept });
  expect(await expired()).toEqual([undoneTag('other')]);
  await decideMoves(use.ledger, 'kept', [undo.id], 'approve', 'ops');
  await markVerification(
    use.ledger,
    { policy: policyOf('kept'), repository, outcomes: [synced(tag, 2, tick(), { previous: digest(1) })] },
    clock + 5,
  );
  clock += 30 * DAY_MS;
  expect((await scan('kept', [same(tag, 2)], { kept })).expired).toEqual(kept.toSorted());
});
