import { describe, expect, it } from '@jest/globals';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { Failure } from '../../src/model/failure.ts';
import { QUERIES, SIGNALS, syncRepositoryId } from '../../src/model/names.ts';
import type { BackfillProgress } from '../../src/model/steps.ts';
import { backfillRuns, catalog, equal, gate } from './backfill-runs.ts';
import { activityError, breathe, digest, ended, isAskedToEnd, NOTHING_LACKS, until, workflowWorld, type Scripted } from './world.ts';

const world = workflowWorld();
const { start, backfilled, compared, times } = backfillRuns(world);
const LATER: Failure = { code: 'UNAUTHORIZED', message: 'the password is wrong', retry: 'later' };

const names = (n: number) => Array.from({ length: n }, (_, at) => `r${String(at).padStart(3, '0')}`);

describe('what is equal on both sides', () => {
  const equalPage = async (repository: string) => ({ repository, page: await equal() });
  const settledRepositories: Scripted['settledRepositories'] = async ({ repositories }) => ({ summary: '', repositories });
  const allEqual: Scripted['compareRepositories'] = async ({ repositories }) => ({
    ...{ summary: '', left: [] },
    equal: await Promise.all(repositories.map(equalPage)),
  });

  it('has no workflow, and is recorded; what is not settled, before or after, has its own', async () => {
    const progress = await backfilled({
      listRepositories: async () => catalog('differs', 'due', 'new', 'settled'),
      settledRepositories: async ({ repositories }) => ({ summary: '', repositories: repositories.filter((name) => name !== 'new') }),
      compareRepositories: async () => ({ summary: '', equal: await Promise.all(['due', 'settled'].map(equalPage)), left: [] }),
      recordScans: async () => ({ summary: '', others: ['due'] }),
    });
    expect(compared().toSorted()).toEqual(['differs', 'due', 'new']);
    expect(progress).toMatchObject({ state: 'done', done: 4, total: 4, failures: [] });
    expect(
      world.inputs('compareRepositories').map(({ repositories, concurrency, whole = false }) => [repositories, concurrency, whole]),
    ).toEqual([
      [['differs', 'due', 'settled'], 4, false],
      [['differs', 'due', 'new'], 4, true],
    ]);
    const [recorded] = world.inputs('recordScans');
    expect(recorded?.equal.map(({ repository }) => repository)).toEqual(['due', 'settled']);
    // The same name for all pages of the catalog, also after a continue-as-new.
    expect(recorded?.scan).toBe(world.inputs('recordBackfill').at(-1)?.catalog?.scan);
  });

  it('is looked at together, which goes on where an answer was full, and tells how far it is', async () => {
    const full: Scripted['compareRepositories'] = async ({ repositories }) => ({
      ...{ summary: '', left: repositories.slice(10) },
      equal: await Promise.all(repositories.slice(0, 10).map(equalPage)),
    });
    const progress = await backfilled({
      listRepositories: async () => catalog(...names(60)),
      settledRepositories,
      compareRepositories: full,
    });
    expect(compared()).toEqual([]);
    expect(progress).toMatchObject({ state: 'done', done: 60 });
    expect(times('compareRepositories')).toBe(6);
    expect(
      world
        .inputs('recordScans')
        .flatMap(({ equal: of }) => of.map(({ repository }) => repository))
        .toSorted(),
    ).toEqual(names(60));
    expect(world.inputs('recordBackfill').map(({ progress: { done } }) => done)).toEqual([0, 30, 50, 60]);
  });

  it('is not asked of what only the ledger knows', async () => {
    const known = [['x'], []];
    await backfilled({
      ...{ settledRepositories, compareRepositories: allEqual },
      listRepositories: async () => catalog(),
      knownRepositories: async () => ({ repositories: known[times('knownRepositories') - 1]! }),
    });
    expect(times('compareRepositories')).toBe(0);
    expect(compared()).toEqual(['x']);
  });

  it.each(['settledRepositories', 'compareRepositories', 'recordScans'] as const)(
    'is left to their own workflows where %s fails for good',
    async (name) => {
      const progress = await backfilled({
        ...{ settledRepositories, compareRepositories: allEqual },
        listRepositories: async () => catalog('a', 'b'),
        [name]: async () => {
          throw activityError(LATER);
        },
      });
      expect(compared().toSorted()).toEqual(['a', 'b']);
      expect(progress).toMatchObject({ state: 'done', done: 2, total: 2, failures: [] });
    },
  );

  it('is not looked at while the scan is paused', async () => {
    const { state, pass } = gate();
    await world.run(
      {
        settledRepositories,
        listRepositories: async () => catalog(...names(50)),
        compareRepositories: async (input) => pass(await allEqual(input)),
      },
      async () => {
        const handle = await start({ concurrency: 1 });
        await until(() => state.waiting === 1);
        await handle.signal(SIGNALS.pause);
        state.open();
        await until(async () => (await handle.query<BackfillProgress>(QUERIES.progress)).done === 25);
        await breathe(300);
        expect(times('compareRepositories')).toBe(1);
        await handle.signal(SIGNALS.resume);
        expect(await handle.result()).toMatchObject({ done: 50 });
      },
    );
  });
});

describe('what is compared just before it is brought over', () => {
  /** Each lacks one tag, as of so many milliseconds ago. */
  const ahead =
    (agoMs = 0): Scripted['compareRepositories'] =>
    async ({ repositories }) => {
      const look = (await world.env.currentTimeMs()) - agoMs;
      const page = { ...(await equal()), look, tags: [{ tag: 'v1', digest: digest('a'), same: false }] };
      const differing = repositories.filter((repository) => repository !== 'odd').map((repository) => ({ repository, page }));
      return { summary: '', equal: [], differing, left: [] };
    };
  const eventsOf = async (handle: Pick<WorkflowHandle, 'fetchHistory'>) => (await handle.fetchHistory()).events ?? [];
  const together = () => world.inputs('compareRepositories').map(({ repositories, whole }) => [repositories.join(), whole]);

  it('some at a time, is handed to the workflows of the repositories; what is not told is compared there', async () => {
    const progress = await backfilled({
      listRepositories: async () => catalog('a', 'b', 'c', 'd', 'e', 'odd'),
      compareRepositories: ahead(),
    });
    expect(together()).toEqual([
      ['a,b,c,d', true],
      ['e,odd', true],
    ]);
    expect(compared()).toEqual(['odd']);
    expect(
      world
        .inputs('recordScan')
        .map(({ repository, page }) => [repository, page.tags.length])
        .toSorted(),
    ).toEqual([...['a', 'b', 'c', 'd', 'e'].map((repository) => [repository, 1]), ['odd', 0]]);
    expect(progress).toMatchObject({ state: 'done', done: 6, work: { synced: 5 } });
  });

  it('is compared again where its turn comes half a minute later, and nothing more ahead', async () => {
    const progress = await backfilled({ listRepositories: async () => catalog(...names(10)), compareRepositories: ahead(31_000) });
    expect(together()).toEqual([['r000,r001,r002,r003', true]]);
    expect(compared().toSorted()).toEqual(names(10));
    expect(progress).toMatchObject({ state: 'done', done: 10 });
  });

  it.each(['shallow', 'deep'] as const)('is read back whole with %s, whatever was settled before', async (verify) => {
    const settledRepositories: Scripted['settledRepositories'] = async ({ repositories }) => ({ summary: '', repositories });
    await backfilled({ listRepositories: async () => catalog('a', 'b'), settledRepositories, compareRepositories: ahead() }, { verify });
    expect(times('settledRepositories') + times('recordScans')).toBe(0);
    expect(together()).toEqual([['a,b', true]]);
    expect(world.inputs('recordScan').map((input) => input.verify)).toEqual([verify, verify]);
  });

  it('is tried no more once it has failed', async () => {
    const progress = await backfilled({
      listRepositories: async () => catalog(...names(10)),
      compareRepositories: async () => {
        throw activityError(LATER);
      },
    });
    expect(together()).toEqual([['r000,r001,r002,r003', true]]);
    expect(compared().toSorted()).toEqual(names(10));
    expect(progress).toMatchObject({ state: 'done', done: 10, failures: [] });
  });

  it('is not begun while the scan is paused', async () => {
    const { state, pass } = gate();
    const compareRepositories: Scripted['compareRepositories'] = async (input) => pass(await ahead()(input));
    await world.run({ listRepositories: async () => catalog('a', 'b'), compareRepositories }, async () => {
      const handle = await start();
      await until(() => state.waiting === 1);
      await handle.signal(SIGNALS.pause);
      state.open();
      await breathe(300);
      expect(times('recordScan')).toBe(0);
      await handle.signal(SIGNALS.resume);
      expect(await handle.result()).toMatchObject({ done: 2 });
    });
  });

  it('ends with the scan that is cancelled, though nobody waits for some of it', async () => {
    const copying = gate();
    const asked = gate();
    // An activity hears of its cancel with a heartbeat, of which the second may go out much later.
    const cancelled = async (): Promise<never> => {
      await asked.pass(undefined);
      Context.current().heartbeat();
      return Context.current().cancelled;
    };
    await world.run(
      {
        listRepositories: async () => catalog('a', 'b', 'c', 'd'),
        compareRepositories: async (input) => (input.repositories.includes('a') ? ahead()(input) : cancelled()),
        // Of one repository, so that only one lane asks for what comes next.
        enumerateLayers: async ({ repository }) => {
          return repository === 'a' ? copying.pass(NOTHING_LACKS) : NOTHING_LACKS;
        },
      },
      async () => {
        const handle = await start({ concurrency: 2 });
        await until(() => asked.state.waiting === 1 && copying.state.waiting === 1);
        await handle.cancel();
        await until(() => isAskedToEnd(handle));
        asked.state.open();
        await ended(handle);
        copying.state.open();
        const child = world.env.client.workflow.getHandle(syncRepositoryId('eu', 'a'));
        await ended(child);
        for (const each of [handle, child]) expect((await each.describe()).status.name).toBe('CANCELLED');
        expect((await eventsOf(handle)).filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
      },
    );
  });

  it('is none where repositories go one by one', async () => {
    await backfilled({ listRepositories: async () => catalog('a', 'b'), compareRepositories: ahead() }, { concurrency: 1 });
    expect(together()).toEqual([]);
    expect(compared()).toEqual(['a', 'b']);
  });
});
