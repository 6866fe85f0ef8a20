import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { Failure } from '../../src/model/failure.ts';
import { backfillSiteId, bulkQueue, CONTROL_QUEUE, QUERIES, SIGNALS, syncRepositoryId, tickId, WORKFLOWS } from '../../src/model/names.ts';
import type { BackfillProgress, BackfillSiteInput, Notice, Scanned, SyncRepositoryInput } from '../../src/model/steps.ts';
import { NO_WORK } from '../../src/model/work.ts';
import { POLICY } from '../support/policy.ts';
import { backfillRuns, catalog, equal, gate, INPUT, type BackfillSite } from './backfill-runs.ts';
import { activityError, breathe, digest, ended, isAskedToEnd, until, workflowWorld, type Scripted } from './world.ts';

const world = workflowWorld();
const { start, backfilled, compared, times } = backfillRuns(world);
const LATER: Failure = { code: 'UNAUTHORIZED', message: 'the password is wrong', retry: 'later' };

type SyncRepository = (input: SyncRepositoryInput) => Promise<unknown>;

describe('backfillSite', () => {
  it('pages through the catalog, then through what only the ledger knows', async () => {
    const pages = [
      { ...catalog('a', 'b'), excluded: 2, next: 'cursor' },
      { ...catalog('c'), excluded: 1, look: 2_000 },
    ];
    const known = [['x', 'y'], ['z'], []];
    const progress = await backfilled({
      listRepositories: async () => pages[times('listRepositories') - 1]!,
      knownRepositories: async () => ({ repositories: known[times('knownRepositories') - 1]! }),
    });
    expect(world.inputs('listRepositories').map(({ after, limit }) => [after, limit])).toEqual([
      [undefined, 200],
      ['cursor', 200],
    ]);
    // All that was scanned since the first page's look is done already.
    expect(world.inputs('knownRepositories').map(({ after, scannedBefore }) => [after, scannedBefore])).toEqual([
      [undefined, 1_000],
      ['y', 1_000],
      ['z', 1_000],
    ]);
    expect(compared().toSorted()).toEqual(['a', 'b', 'c', 'x', 'y', 'z']);
    expect(world.names().indexOf('knownRepositories')).toBeGreaterThan(world.names().lastIndexOf('listRepositories'));
    const startedAt = expect.any(Number);
    expect(progress).toEqual({ state: 'done', done: 6, total: 6, excluded: 3, failures: [], work: NO_WORK, startedAt });
  });

  it('adds up the work of all, and hands the catalog’s scan to the ledger at the end alone', async () => {
    const handle = await world.run({ listRepositories: async () => catalog('a', 'b', 'c') }, async () => {
      const running = await start();
      expect(await running.result()).toMatchObject({ work: { synced: 3, bytesCopied: 30, failed: 0 } });
      return running.describe();
    });
    const records = world.inputs('recordBackfill');
    expect(records.map(({ site, progress, catalog: scan }) => [site, progress.state, progress.done, scan === undefined])).toEqual([
      // Who looks at a first backfill wants to see how much there is.
      ['eu', 'running', 0, true],
      ['eu', 'done', 3, false],
    ]);
    expect(records.at(-1)?.catalog).toEqual({
      scan: handle.runId,
      startedAt: 1_000,
      pages: 1,
      complete: true,
      listed: 3,
      excluded: 0,
    });
  });

  it('tells its children what they need', async () => {
    const policy = { ...POLICY, revision: 'r2' };
    const repository = `${'long/'.repeat(50)}name`;
    await backfilled({ listRepositories: async () => catalog(repository) }, { policy, verify: 'deep' });
    expect(world.inputs('recordScan')[0]).toMatchObject({ policy, repository, verify: 'deep' });
    const id = syncRepositoryId('eu', repository);
    expect(Buffer.byteLength(id)).toBeLessThanOrEqual(200);
    const child = await world.env.client.workflow.getHandle(id).describe();
    expect(child).toMatchObject({ status: { name: 'COMPLETED' }, taskQueue: bulkQueue('eu') });
  });

  it.each([
    { concurrency: 3, repositories: 12, most: 3 },
    { concurrency: 80, repositories: 70, most: 50 },
    { concurrency: 8, repositories: 2, most: 2 },
  ])('runs $most at once, of $repositories, where $concurrency are wished for', async ({ concurrency, repositories, most }) => {
    const { state, pass } = gate();
    const names = Array.from({ length: repositories }, (_, n) => `r${n}`);
    await world.run({ listRepositories: async () => catalog(...names), compareRepository: async () => pass(await equal()) }, async () => {
      const handle = await start({ concurrency });
      await until(() => state.waiting === most);
      await breathe(300);
      expect(state.waiting).toBe(most);
      state.open();
      expect((await handle.result()).done).toBe(repositories);
    });
    expect(state.most).toBe(most);
    expect(new Set(compared()).size).toBe(repositories);
  });

  it('says how far it is while it runs, and that it is paused', async () => {
    const first = gate();
    await world.run(
      {
        listRepositories: async () => ({ ...catalog('a', 'b', 'c'), excluded: 4 }),
        compareRepository: async ({ repository }) => (repository === 'b' ? first.pass(await equal()) : equal()),
      },
      async () => {
        const handle = await start({ concurrency: 1 });
        const asked = () => handle.query<BackfillProgress>(QUERIES.progress);
        await until(() => first.state.waiting === 1);
        expect(await asked()).toMatchObject({ state: 'running', done: 1, total: 3, excluded: 4 });
        await handle.signal(SIGNALS.pause);
        expect(await asked()).toMatchObject({ state: 'paused', done: 1, total: 3 });
        await handle.signal(SIGNALS.resume);
        first.state.open();
        expect(await handle.result()).toMatchObject({ state: 'done', done: 3 });
        expect(await asked()).toMatchObject({ state: 'done', done: 3 });
      },
    );
  });

  it('starts nothing new while it is paused, lets what runs end, and goes on', async () => {
    const { state, pass } = gate();
    await world.run(
      { listRepositories: async () => catalog('a', 'b', 'c', 'd'), compareRepository: async () => pass(await equal()) },
      async () => {
        const handle = await start({ concurrency: 2 });
        await until(() => state.waiting === 2);
        await handle.signal(SIGNALS.pause);
        state.open();
        await until(async () => (await handle.query<BackfillProgress>(QUERIES.progress)).done === 2);
        await breathe(300);
        expect(compared()).toHaveLength(2);
        await handle.signal(SIGNALS.resume);
        expect(await handle.result()).toMatchObject({ done: 4 });
      },
    );
  });

  it('is followed by another where one is asked for meanwhile: what it has passed may have changed', async () => {
    const { state, pass } = gate();
    // One at a time, as the first: the order is part of what is looked at.
    const asked = { ...INPUT, concurrency: 1, policy: { ...POLICY, revision: 'r2' }, verify: 'deep' as const };
    const differs = { ...(await equal()), tags: [{ tag: 'v1', digest: digest('a'), same: false }] };
    await world.run(
      {
        listRepositories: async () => catalog('a', 'b'),
        compareRepository: async ({ repository }) => (repository === 'b' ? pass(differs) : differs),
      },
      async () => {
        const handle = await start({ concurrency: 1 });
        await until(() => state.waiting === 1);
        await handle.signal(SIGNALS.again, asked);
        await handle.signal(SIGNALS.again, { ...asked, verify: 'auto' });
        state.open();
        // Who waits for the end is told the work of both.
        expect(await handle.result()).toMatchObject({ state: 'done', done: 2, work: { synced: 4 } });
      },
    );
    expect(compared()).toEqual(['a', 'b', 'a', 'b']);
    expect(world.inputs('recordScan').map(({ policy, verify }) => [policy.revision, verify])).toEqual([
      ...Array<unknown>(2).fill([POLICY.revision, 'auto']),
      ...Array<unknown>(2).fill(['r2', 'deep']),
    ]);
    const scans = world.inputs('recordBackfill').flatMap(({ catalog: listed }) => listed?.scan ?? []);
    expect(new Set(scans).size).toBe(2);
  });

  it('that has asked for nothing yet needs no other', async () => {
    await world.run({ listRepositories: async () => catalog('a'), compareRepository: equal }, async () => {
      const handle = await world.env.client.workflow.signalWithStart<BackfillSite, [BackfillSiteInput]>(WORKFLOWS.backfillSite, {
        ...{ workflowId: backfillSiteId('eu'), taskQueue: bulkQueue('eu'), args: [INPUT] },
        ...{ signal: SIGNALS.again, signalArgs: [INPUT] },
      });
      await handle.result();
    });
    expect(compared()).toEqual(['a']);
  });

  it('that begins paused reads no catalog', async () => {
    await world.run({ compareRepository: equal }, async () => {
      const handle = await world.env.client.workflow.signalWithStart<BackfillSite>(WORKFLOWS.backfillSite, {
        workflowId: backfillSiteId('eu'),
        taskQueue: bulkQueue('eu'),
        args: [INPUT],
        signal: SIGNALS.pause,
      });
      expect(await handle.query(QUERIES.progress)).toMatchObject({ state: 'paused' });
      await breathe(200);
      expect(world.names()).toEqual([]);
      await handle.signal(SIGNALS.resume);
      await handle.result();
    });
    expect(compared()).toEqual(['app']);
  });
});

describe('a repository whose workflow runs already', () => {
  const ID = syncRepositoryId('eu', 'app');

  function noticed(notice: Omit<Notice, 'receivedAt'>) {
    return world.env.client.workflow.signalWithStart<SyncRepository, [Notice]>(WORKFLOWS.syncRepository, {
      workflowId: ID,
      taskQueue: bulkQueue('eu'),
      args: [{ policy: POLICY, repository: 'app', mode: 'notices', verify: 'auto', once: false }],
      signal: SIGNALS.noticed,
      signalArgs: [{ receivedAt: 1, ...notice }],
    });
  }

  /** Something that runs under the repository's id and answers nothing. */
  function mute() {
    return world.env.client.workflow.start(WORKFLOWS.owner, { workflowId: ID, taskQueue: bulkQueue('eu') });
  }

  /** Once its workflow has had so many notices, the last of them the backfill's. */
  async function asked(notices = 1): Promise<void> {
    await until(async () => {
      const { events } = await world.env.client.workflow.getHandle(ID).fetchHistory();
      const had = (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === SIGNALS.noticed);
      return had.length >= notices;
    });
  }

  /** Timers that ran out, in seconds. */
  async function waited(handle: WorkflowHandle<BackfillSite>): Promise<number[]> {
    const events = (await handle.fetchHistory()).events ?? [];
    const fired = new Set(events.map((event) => event.timerFiredEventAttributes?.timerId));
    return events.flatMap(({ timerStartedEventAttributes: timer }) =>
      timer && fired.has(timer.timerId) ? [Number(timer.startToFireTimeout?.seconds)] : [],
    );
  }

  it('is asked to compare, and awaited', async () => {
    await world.run({}, async () => {
      await noticed({ kind: 'digest', digest: digest('1') });
      const handle = await start({ verify: 'shallow' });
      await ended(handle);
      expect(await handle.result()).toMatchObject({ done: 1, failures: [], work: { synced: 1 } });
    });
    expect(world.names().filter((name) => name === 'compareRepository' || name === 'lookAtDigests')).toEqual([
      'lookAtDigests',
      'compareRepository',
    ]);
    expect(world.inputs('recordScan').map(({ verify }) => verify)).toEqual(['shallow']);
  });

  it('is not taken for failed because it takes hours', async () => {
    await world.run({ compareRepository: equal }, async () => {
      const busy = await mute();
      const handle = await start();
      await asked();
      await world.env.sleep('3 hours');
      const answer: Scanned = { repository: 'app', summary: '', unsettled: 0, work: { ...NO_WORK, synced: 7 } };
      await handle.signal(SIGNALS.scanned, answer);
      expect(await handle.result()).toMatchObject({ done: 1, failures: [], work: { synced: 7, failed: 0 } });
      await busy.cancel();
      await busy.result().catch(() => undefined);
    });
    expect(compared()).toEqual([]);
  });

  it('is run as a child after all where the other ended without an answer', async () => {
    await world.run({ compareRepository: equal }, async () => {
      const busy = await mute();
      const handle = await start();
      await asked();
      await busy.cancel();
      await busy.result().catch(() => undefined);
      expect(await handle.result()).toMatchObject({ done: 1, failures: [] });
    });
    expect(compared()).toEqual(['app']);
  });

  it('is compared anew then: the other may have changed what was compared before', async () => {
    const look = await world.env.currentTimeMs();
    const page = { ...(await equal()), look };
    await world.run(
      {
        compareRepository: equal,
        listRepositories: async () => catalog('app', 'other'),
        compareRepositories: async ({ repositories }) => ({
          summary: '',
          left: [],
          equal: repositories.map((repository) => ({ repository, page })),
        }),
      },
      async () => {
        const busy = await mute();
        const handle = await start();
        await asked();
        await busy.cancel();
        await busy.result().catch(() => undefined);
        expect(await handle.result()).toMatchObject({ done: 2, failures: [] });
      },
    );
    expect(compared()).toEqual(['app']);
  });

  it('is run as a child at once where the other is cancelled, as by a backfill that was stopped just before', async () => {
    await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') > 1) return equal();
          await asked(2);
          await world.env.client.workflow.getHandle(ID).cancel();
          await breathe(300);
          return equal();
        },
      },
      async () => {
        await noticed({ kind: 'compare' });
        await until(() => times('compareRepository') === 1);
        const handle = await start();
        await ended(handle);
        expect(await handle.result()).toMatchObject({ done: 1, failures: [] });
        expect(await waited(handle)).toEqual([1]);
      },
    );
    expect(compared()).toEqual(['app', 'app']);
  });

  it('is counted as failed, and named, where it could not compare', async () => {
    await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') > 1) return equal();
          throw activityError(LATER);
        },
      },
      async () => {
        await noticed({ kind: 'digest', digest: digest('1') });
        const handle = await start({ once: true });
        await ended(handle);
        expect(await handle.result()).toMatchObject({ done: 1, failures: [{ repository: 'app', failure: LATER }], work: { failed: 1 } });
        await world.env.client.workflow.getHandle(ID).result();
      },
    );
  });
});

describe('failures', () => {
  const failing = async (): Promise<never> => {
    throw activityError(LATER);
  };

  it('of the catalog fail a run that a person waits for, named', async () => {
    const failed = (await backfilled({ listRepositories: failing }, { once: true }).catch(
      (thrown: unknown) => thrown,
    )) as WorkflowFailedError;
    expect(failed).toBeInstanceOf(WorkflowFailedError);
    expect(failed.cause).toMatchObject({ type: 'UNAUTHORIZED', message: 'the password is wrong', nonRetryable: true });
    expect(world.inputs('recordBackfill').map(({ progress }) => [progress.state, progress.failures])).toEqual([
      ['failed', [{ repository: '', failure: LATER }]],
    ]);
  });

  it('of the catalog are recorded, slept over and tried again from the same page otherwise', async () => {
    const at: number[] = [];
    const progress = await backfilled({
      listRepositories: async ({ after }) => {
        at.push(await world.env.currentTimeMs());
        if (after === undefined) return { ...catalog('a'), next: 'a' };
        if (at.length < 5) return failing();
        return catalog('b');
      },
    });
    expect(world.inputs('listRepositories').map(({ after }) => after)).toEqual([undefined, 'a', 'a', 'a', 'a']);
    const gaps = at.slice(2).map((time, n) => (time - at[n + 1]!) / 1_000);
    gaps.forEach((gap, n) => {
      expect(gap).toBeGreaterThanOrEqual(2.4 * 2 ** n);
      expect(gap).toBeLessThan(5 * 2 ** n + 2);
    });
    expect(world.inputs('recordBackfill').map(({ progress: { state } }) => state)).toEqual([
      ...['running', 'failed', 'failed', 'failed', 'running', 'done'],
    ]);
    expect(progress).toMatchObject({ state: 'done', done: 2, total: 2, failures: [] });
  });

  const script: Partial<Scripted> = {
    listRepositories: async () => catalog('bad', 'good', 'loose'),
    compareRepository: async ({ repository }) => {
      if (repository === 'bad') return failing();
      return { ...(await equal()), failures: repository === 'loose' ? [{ tag: 'v1', failure: LATER }] : [] };
    },
  };

  it('of repositories are counted, named, and handed to the repository’s own workflow', async () => {
    const progress = await backfilled(script);
    expect(progress).toMatchObject({
      state: 'done',
      done: 3,
      total: 3,
      failures: [{ repository: 'bad', failure: LATER }],
      work: { failed: 2 },
    });
    const repairs = world.inputs('startLook').map(({ repository, looks, notices }) => [repository, looks, notices.map(({ kind }) => kind)]);
    expect(repairs.toSorted()).toEqual([
      ['bad', [], ['repair']],
      ['loose', [], ['repair']],
    ]);
  });

  it('of repositories start nothing that goes on where a person waits', async () => {
    const progress = await backfilled(script, { once: true });
    expect(progress).toMatchObject({ done: 3, failures: [{ repository: 'bad', failure: LATER }], work: { failed: 2 } });
    expect(times('startLook')).toBe(0);
  });

  it('names twenty, and counts all', async () => {
    const names = Array.from({ length: 25 }, (_, n) => `r${n}`);
    const progress = await backfilled({ listRepositories: async () => catalog(...names), compareRepository: failing }, { once: true });
    expect(progress.failures).toHaveLength(20);
    expect(progress).toMatchObject({ done: 25, work: { failed: 25 } });
  });
});

describe('a repository that cannot be compared', () => {
  it('is not tried a second time when the ledger names it as not scanned', async () => {
    let asked = 0;
    const progress = await backfilled({
      listRepositories: async () => catalog('a'),
      compareRepository: async () => {
        throw activityError({ code: 'DENIED', message: 'no', retry: 'never' });
      },
      knownRepositories: async () => ({ repositories: (asked += 1) === 1 ? ['a'] : [] }),
    });
    expect(times('compareRepository')).toBe(1);
    expect(progress).toMatchObject({ done: 1, total: 1, failures: [{ repository: 'a' }] });
  });
});

describe('cancelling', () => {
  const names = ['a', 'b', 'c', 'd'];

  it('ends the children, whose images become pending', async () => {
    let enumerating = 0;
    await world.run(
      {
        listRepositories: async () => catalog(...names),
        enumerateLayers: async ({ repository }) => {
          enumerating += 1;
          if (enumerating === 2) await world.env.client.workflow.getHandle(backfillSiteId('eu')).cancel();
          await until(() => isAskedToEnd(world.env.client.workflow.getHandle(syncRepositoryId('eu', repository))));
          return { summary: '', lacking: [], incomplete: [], present: 0, more: false, failures: [] };
        },
      },
      async () => {
        const handle = await start({ concurrency: 2 });
        await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
        await until(() => world.outcomes.length === 2);
        for (const repository of ['a', 'b']) {
          const child = world.env.client.workflow.getHandle(syncRepositoryId('eu', repository));
          await expect(child.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
        }
      },
    );
    expect(world.outcomes.map(({ tag, sync }) => [tag, sync])).toEqual([
      ['v1', 'pending'],
      ['v1', 'pending'],
    ]);
    expect(compared()).toHaveLength(2);
    // Else the ledger would say for ever that it runs.
    expect(world.inputs('recordBackfill').at(-1)?.progress).toMatchObject({ state: 'cancelled', done: 0, total: 4 });
  });

  it('one repository by hand stops that one alone', async () => {
    await world.run(
      {
        listRepositories: async () => catalog(...names),
        compareRepository: async ({ repository }) => {
          if (repository === 'b') await world.env.client.workflow.getHandle(syncRepositoryId('eu', 'b')).cancel();
          await breathe(300);
          return equal();
        },
      },
      async () => {
        expect(await (await start({ concurrency: 2 })).result()).toMatchObject({
          state: 'done',
          done: 4,
          failures: [{ repository: 'b', failure: { code: 'CANCELLED', retry: 'never' } }],
        });
      },
    );
    // Who stopped it does not want it started again.
    expect(times('startLook')).toBe(0);
  });
});

describe('tick', () => {
  it('has the scheduled work started by the activity that holds the client', async () => {
    await world.run({}, async () => {
      await world.env.client.workflow.execute(WORKFLOWS.tick, {
        workflowId: tickId('eu', 'backfill'),
        taskQueue: CONTROL_QUEUE,
        args: [{ site: 'eu', kind: 'backfill' }],
      });
    });
    expect(world.calls).toEqual([{ name: 'startScheduled', input: { site: 'eu', kind: 'backfill' } }]);
  });
});
