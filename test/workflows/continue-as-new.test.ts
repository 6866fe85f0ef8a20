import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { backfillSiteId, bulkQueue, pushQueue, QUERIES, SIGNALS, syncImageId, syncRepositoryId, WORKFLOWS } from '../../src/model/names.ts';
import type { Failure } from '../../src/model/failure.ts';
import type {
  BackfillProgress,
  BackfillSiteInput,
  CompareRepositoryResult,
  Look,
  Notice,
  SyncImageInput,
  SyncRepositoryInput,
  SyncRepositoryResult,
} from '../../src/model/steps.ts';
import { POLICY } from '../support/policy.ts';
import { activityError, breathe, digest, until, workflowWorld } from './world.ts';

/*
 * The test server never suggests to continue as new: this is Temporal's dev server, told to suggest it early. The clock is the machine's.
 */
const world = workflowWorld({ suggestAfterEvents: 20 });

type SyncRepository = (input: SyncRepositoryInput) => Promise<SyncRepositoryResult>;
type BackfillSite = (input: BackfillSiteInput) => Promise<BackfillProgress>;

function page(change: Partial<CompareRepositoryResult>): CompareRepositoryResult {
  return { summary: '', look: 1, tags: [], extra: [], excluded: 0, failures: [], ...change };
}

const letters = 'abcdef'.split('');

/** Six pages of one tag that differs. */
function pageAfter(after: string | undefined): CompareRepositoryResult {
  const at = after === undefined ? 0 : letters.indexOf(after) + 1;
  const tag = letters[at]!;
  return page({ look: 100 + at, tags: [{ tag, digest: digest('a'), same: false }], ...(at === letters.length - 1 ? {} : { next: tag }) });
}

async function runs(workflowId: string): Promise<number> {
  let count = 0;
  for await (const _ of world.env.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) count += 1;
  return count;
}

function push(look: Look) {
  return world.env.client.workflow.signalWithStart<(input: SyncImageInput) => Promise<unknown>, [Look]>(WORKFLOWS.syncImage, {
    workflowId: syncImageId('eu', 'app', look.tag),
    taskQueue: pushQueue('eu'),
    args: [{ policy: POLICY, repository: 'app', tag: look.tag }],
    signal: SIGNALS.pushed,
    signalArgs: [look],
  });
}

describe('continuing as new', () => {
  it('a scan goes on where it was: nothing is done twice, left out or forgotten', async () => {
    const repository = `scan-${randomUUID()}`;
    const workflowId = syncRepositoryId('eu', repository);
    const result = await world.run(
      {
        compareRepository: async ({ after }) => pageAfter(after),
        recordScan: async ({ after }) => ({
          summary: '',
          verify: [],
          gone: [{ tag: `gone after ${after}`, digest: digest('d') }],
          foreign: 0,
        }),
      },
      () =>
        world.env.client.workflow.execute<SyncRepository>(WORKFLOWS.syncRepository, {
          workflowId,
          taskQueue: bulkQueue('eu'),
          args: [{ policy: POLICY, repository, mode: 'scan', verify: 'deep', once: false }],
        }),
    );
    await until(async () => (await runs(workflowId)) > 2);
    expect(world.inputs('fetchManifests').flatMap(({ looks }) => looks.map(({ tag }) => tag))).toEqual(letters);
    expect(new Set(world.inputs('recordScan').map(({ scan }) => scan)).size).toBe(1);
    expect(new Set(world.inputs('recordScan').map(({ verify }) => verify))).toEqual(new Set(['deep']));
    expect(world.inputs('planDeletions')).toHaveLength(1);
    expect(world.inputs('planDeletions')[0]).toMatchObject({ look: 100 });
    expect(world.inputs('planDeletions')[0]?.candidates).toHaveLength(letters.length);
    expect(result).toMatchObject({ unsettled: 0, work: { synced: letters.length } });
  });

  it('a scan still answers who asked for it, as deep and with the evidence it had; a later notice gets a scan of its own', async () => {
    const repository = `asked-${randomUUID()}`;
    const workflowId = syncRepositoryId('eu', repository);
    const asker = await world.env.client.workflow.start(WORKFLOWS.owner, { workflowId: `asker-${repository}`, taskQueue: bulkQueue('eu') });
    const signal = (...notices: Notice[]) =>
      Promise.all(
        notices.map((notice) =>
          world.env.client.workflow.signalWithStart<SyncRepository, [Notice]>(WORKFLOWS.syncRepository, {
            workflowId,
            taskQueue: bulkQueue('eu'),
            args: [{ policy: POLICY, repository, mode: 'notices', verify: 'auto', once: false }],
            signal: SIGNALS.noticed,
            signalArgs: [notice],
          }),
        ),
      );
    await world.run(
      {
        compareRepository: async ({ after }) => {
          if (after === 'c' && world.inputs('planDeletions').length === 0) await signal({ kind: 'compare', receivedAt: 3 });
          return pageAfter(after);
        },
        recordScan: async ({ after }) => ({
          summary: '',
          verify: [],
          gone: after === undefined ? [{ tag: 'gone', digest: digest('d') }] : [],
          foreign: 0,
        }),
      },
      async () => {
        await signal({ kind: 'deleted', tag: 'gone', receivedAt: 1 });
        const [handle] = await signal({ kind: 'compare', verify: 'deep', replyTo: asker.workflowId, receivedAt: 2 });
        await handle?.result();
      },
    );
    const { events } = await asker.fetchHistory();
    await asker.terminate();
    const answers = (events ?? []).filter(({ workflowExecutionSignaledEventAttributes: told }) => told?.signalName === SIGNALS.scanned);
    expect(answers).toHaveLength(1);
    expect(world.inputs('planDeletions').map(({ events: evidence }) => evidence.map(({ tag }) => tag))).toEqual([['gone'], []]);
    expect(world.inputs('recordScan').map(({ verify }) => verify)).toEqual([...letters.map(() => 'deep'), ...letters.map(() => 'auto')]);
  });

  it('a backfill goes on with the next page, ends no child, and is still paused if it was', async () => {
    const pages = ['a', 'b', 'c', 'd'].map((letter) => [1, 2, 3].map((n) => `${letter}${n}`));
    const handle = await world.run(
      {
        listRepositories: async ({ after }) => {
          const at = after === undefined ? 0 : Number(after);
          return {
            summary: '',
            repositories: pages[at]!,
            excluded: 1,
            look: 1,
            ...(at === pages.length - 1 ? {} : { next: String(at + 1) }),
          };
        },
        compareRepository: async ({ repository }) => {
          if (repository === 'b3') await world.env.client.workflow.getHandle(backfillSiteId('eu')).signal(SIGNALS.pause);
          return page({});
        },
      },
      async () => {
        const running = await world.env.client.workflow.start<BackfillSite>(WORKFLOWS.backfillSite, {
          workflowId: backfillSiteId('eu'),
          taskQueue: bulkQueue('eu'),
          args: [{ policy: POLICY, verify: 'auto', once: true, concurrency: 1 }],
        });
        const latest = world.env.client.workflow.getHandle(backfillSiteId('eu'));
        await until(async () => (await latest.query<BackfillProgress>(QUERIES.progress)).done === 6);
        await breathe(500);
        expect(await latest.query<BackfillProgress>(QUERIES.progress)).toMatchObject({ state: 'paused', done: 6 });
        expect((await latest.describe()).runId).not.toBe(running.firstExecutionRunId);
        await latest.signal(SIGNALS.resume);
        expect(await running.result()).toMatchObject({ state: 'done', done: 12, total: 12, excluded: 4, failures: [] });
        return running;
      },
    );
    expect(world.inputs('compareRepository').map(({ repository }) => repository)).toEqual(pages.flat());
    expect(world.inputs('recordBackfill').at(-1)?.catalog).toMatchObject({ scan: handle.firstExecutionRunId, pages: pages.length });
  });

  it('an image’s look and its failures are carried', async () => {
    const tag = randomUUID();
    const workflowId = syncImageId('eu', 'app', tag);
    let published = 0;
    await world.run(
      {
        publishManifests: async ({ images }) => ({
          summary: '',
          look: ++published,
          images: images.map((image) => ({
            ...image,
            state: published < 5 ? ('moved' as const) : ('verified' as const),
            changed: published === 5,
            bytes: 1,
          })),
        }),
        fetchManifests: async ({ looks }) => ({
          summary: '',
          images: looks.map((look) => ({ tag, digest: look.digest ?? digest('0'), manifests: 1, blobs: 1, bytes: 1 })),
          absent: [],
          failures: [],
          look: 1,
        }),
      },
      async () => {
        const handle = await push({ tag, digest: digest('e'), receivedAt: 5 });
        await handle.result();
      },
    );
    await until(async () => (await runs(workflowId)) > 1);
    expect(new Set(world.inputs('fetchManifests').map(({ looks }) => looks[0]?.digest))).toEqual(new Set([digest('e')]));
    expect(new Set(world.outcomes.map(({ receivedAt }) => receivedAt))).toEqual(new Set([5]));
  });

  it('a push that comes while a cancelled run records its end has a run of its own, and not one from before', async () => {
    const tag = randomUUID();
    let fetched = 0;
    await world.run(
      {
        fetchManifests: async ({ looks }) => {
          fetched += 1;
          if (fetched === 1) {
            await push({ tag, digest: digest('2') });
            await world.env.client.workflow.getHandle(syncImageId('eu', 'app', tag)).cancel();
            await breathe(300);
          }
          return {
            summary: '',
            images: [{ tag, digest: looks[0]?.digest ?? digest('0'), manifests: 1, blobs: 0, bytes: 1 }],
            absent: [],
            failures: [],
            look: fetched,
          };
        },
        markVerification: async ({ outcomes }) => {
          world.outcomes.push(...outcomes);
          if (world.outcomes.length === 1) await push({ tag, digest: digest('3') });
          return { summary: '', recorded: 1, overlapping: [] };
        },
      },
      async () => {
        const handle = await push({ tag, digest: digest('1') });
        expect(await handle.result()).toMatchObject({ digest: digest('3') });
      },
    );
    expect(world.outcomes.map(({ sync }) => sync)).toEqual(['pending', 'synced']);
    expect(world.inputs('fetchManifests').map(({ looks }) => looks[0]?.digest)).toEqual([digest('1'), digest('3')]);
  });
});

describe('a real server', () => {
  it('takes the longest names, and what a registry says in any script', async () => {
    const repository = `${'long/'.repeat(49)}${'n'.repeat(10)}`;
    const failure: Failure = { code: 'DENIED', message: '拒绝访问'.repeat(200), retry: 'never' };
    await world.run(
      {
        listRepositories: async () => {
          if (world.inputs('listRepositories').length === 2) throw activityError(failure);
          return { summary: '', repositories: [repository], excluded: 0, look: 1, next: 'x' };
        },
        compareRepository: async () => page({ summary: failure.message }),
      },
      async () => {
        const running = world.env.client.workflow.execute<BackfillSite>(WORKFLOWS.backfillSite, {
          workflowId: backfillSiteId('eu'),
          taskQueue: bulkQueue('eu'),
          args: [{ policy: POLICY, verify: 'auto', once: true, concurrency: 1 }],
        });
        await expect(running).rejects.toMatchObject({ cause: { type: 'DENIED' } });
      },
    );
    expect(world.inputs('recordScan')).toHaveLength(1);
    expect(world.inputs('recordBackfill').at(-1)?.progress.failures).toEqual([{ repository: '', failure }]);
  });
});
