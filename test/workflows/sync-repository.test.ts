import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import { bulkQueue, PRIORITY } from '../../src/model/names.ts';
import { compared, differing, FIVE, LATER, NEVER, published, repositoryRuns, WORKFLOW } from './repository-runs.ts';
import { activityError, breathe, digest, NOTHING_LACKS, workflowWorld } from './world.ts';

const world = workflowWorld();
const { scanned, times } = repositoryRuns(world);

describe('a scan, as a child of backfillSite', () => {
  it('compares, records, runs the five activities over what differs, and returns the work', async () => {
    const result = await world.run({}, () => scanned());
    expect(world.names()).toEqual(['compareRepository', 'recordScan', ...FIVE]);
    expect(world.outcomes).toEqual([expect.objectContaining({ tag: 'v1', sync: 'synced', verification: 'succeeded' })]);
    expect(result).toMatchObject({
      unsettled: 0,
      work: { synced: 1, failed: 0, blobsCopied: 1, bytesCopied: 10, repaired: 0, deleted: 0 },
    });
    expect(result.summary).toBe('1 image verified, 10 B copied');
  });

  it('does nothing where both sides are equal', async () => {
    const equal = async () => compared({ tags: [{ tag: 'v1', digest: digest('a'), same: true }] });
    const result = await world.run({ compareRepository: equal }, () => scanned());
    expect(world.names()).toEqual(['compareRepository', 'recordScan']);
    expect(result.work.synced).toBe(0);
  });

  it('goes from page to page, each recorded under one scan with the window that it stands for', async () => {
    const pages = [compared({ tags: differing('a', 'b'), next: 'b' }), compared({ tags: differing('c'), next: 'c' }), compared({})];
    await world.run({ compareRepository: async () => pages[times('compareRepository') - 1]! }, () => scanned());
    expect(world.inputs('compareRepository').map(({ after }) => after)).toEqual([undefined, 'b', 'c']);
    const records = world.inputs('recordScan');
    expect(records.map(({ after, page }) => [after, page.next])).toEqual([
      [undefined, 'b'],
      ['b', 'c'],
      ['c', undefined],
    ]);
    expect(new Set(records.map((record) => record.scan)).size).toBe(1);
    expect(world.inputs('fetchManifests').map(({ looks }) => looks.map(({ tag }) => tag))).toEqual([['a', 'b'], ['c']]);
  });

  it('takes a hundred images at a time', async () => {
    const names = Array.from({ length: 250 }, (_, n) => `v${n}`);
    const result = await world.run({ compareRepository: async () => compared({ tags: differing(...names) }) }, () => scanned());
    expect(world.inputs('fetchManifests').map(({ looks }) => looks.length)).toEqual([100, 100, 50]);
    expect(world.inputs('fetchManifests').flatMap(({ looks }) => looks.map(({ tag }) => tag))).toEqual(names);
    expect(result.work.synced).toBe(250);
  });

  it('reads equal tags back where the ledger says so, and counts as repaired those alone that needed mending', async () => {
    const tags = ['fine', 'blob', 'tag', 'unasked'].map((tag) => ({ tag, digest: digest('a'), same: true }));
    const result = await world.run(
      {
        compareRepository: async () => compared({ tags: [...tags, ...differing('new')] }),
        recordScan: async () => ({ summary: '', verify: ['fine', 'blob', 'tag'], gone: [], foreign: 0 }),
        enumerateLayers: async ({ images }) => ({
          ...NOTHING_LACKS,
          incomplete: images.flatMap(({ tag }) => (tag === 'blob' || tag === 'new' ? [tag] : [])),
        }),
        publishManifests: async ({ images }) => ({
          summary: '',
          look: 2,
          images: images.map((image) => ({
            ...image,
            state: 'verified' as const,
            changed: image.tag === 'tag' || image.tag === 'new',
            bytes: 1,
          })),
        }),
      },
      () => scanned({ verify: 'deep' }),
    );
    expect(result.work).toMatchObject({ repaired: 2, synced: 4 });
    expect(world.inputs('enumerateLayers').map(({ images, depth }) => [images.map(({ tag }) => tag), depth])).toEqual([
      [['new'], 'shallow'],
      [['fine', 'blob', 'tag'], 'deep'],
    ]);
    expect(world.inputs('recordScan')[0]?.verify).toBe('deep');
  });

  it('does tags again that moved, lost content or were looked at by others meanwhile', async () => {
    const states = { moved: 'moved', lost: 'incomplete' } as const;
    const first = (): boolean => times('publishManifests') === 1;
    const result = await world.run(
      {
        compareRepository: async () => compared({ tags: differing('fine', 'lost', 'moved', 'overlapped') }),
        publishManifests: async ({ images }) => ({
          summary: '',
          look: times('publishManifests'),
          images: images.map((image) => ({
            ...image,
            state: (first() ? states[image.tag as keyof typeof states] : undefined) ?? 'verified',
            changed: true,
            bytes: 1,
          })),
        }),
        markVerification: async ({ outcomes }) => {
          world.outcomes.push(...outcomes);
          return { summary: '', recorded: outcomes.length, overlapping: first() ? ['overlapped'] : [] };
        },
      },
      () => scanned(),
    );
    expect(
      world
        .inputs('fetchManifests')[1]
        ?.looks.map(({ tag }) => tag)
        .sort(),
    ).toEqual(['lost', 'moved', 'overlapped']);
    expect(times('fetchManifests')).toBe(2);
    expect(world.outcomes.filter(({ tag }) => tag === 'moved').map(({ sync }) => sync)).toEqual(['pending', 'synced']);
    expect(result.unsettled).toBe(0);
  });

  it('leaves a tag that moves for ever unsettled after six turns', async () => {
    const result = await world.run({ publishManifests: async (input) => published(input, { state: 'moved' }) }, () => scanned());
    expect(times('fetchManifests')).toBe(6);
    expect(result.unsettled).toBe(1);
  });

  it('takes the row of a tag away that vanished between the listing and its turn', async () => {
    await world.run(
      {
        compareRepository: async () => compared({ tags: differing('absent', 'fine') }),
        fetchManifests: async ({ looks }) => ({
          summary: '',
          images: looks.flatMap(({ tag }) => (tag === 'fine' ? [{ tag, digest: digest('a'), manifests: 1, blobs: 1, bytes: 1 }] : [])),
          absent: ['absent'],
          failures: [],
          look: 7,
        }),
      },
      () => scanned(),
    );
    expect(world.outcomes.find(({ tag }) => tag === 'absent')).toEqual(expect.objectContaining({ gone: true, look: 7, sync: 'pending' }));
  });

  it('takes the row of a tag away that vanished while it was copied', async () => {
    const result = await world.run(
      {
        publishManifests: async (input) => published(input, { state: 'gone' }),
        fetchManifests: async ({ looks }) => ({
          summary: '',
          images:
            times('fetchManifests') > 1 ? [] : looks.map(({ tag }) => ({ tag, digest: digest('a'), manifests: 1, blobs: 1, bytes: 1 })),
          absent: times('fetchManifests') > 1 ? looks.map(({ tag }) => tag) : [],
          failures: [],
          look: 7,
        }),
      },
      () => scanned(),
    );
    expect(world.outcomes.at(-1)).toMatchObject({ tag: 'v1', gone: true });
    expect(result.unsettled).toBe(0);
  });

  it('returns what a retry may mend as unsettled, without sleeping over it', async () => {
    const result = await world.run(
      {
        compareRepository: async () =>
          compared({
            tags: differing('fetched', 'denied', 'published', 'fine'),
            failures: [
              { tag: 'broken', failure: LATER },
              { tag: 'refused', failure: NEVER },
            ],
          }),
        fetchManifests: async ({ looks }) => ({
          summary: '',
          images: looks.flatMap(({ tag }) =>
            tag === 'published' || tag === 'fine'
              ? [{ tag, digest: digest(tag === 'fine' ? 'a' : 'b'), manifests: 1, blobs: 1, bytes: 1 }]
              : [],
          ),
          absent: [],
          failures: [
            { tag: 'fetched', failure: LATER },
            { tag: 'denied', failure: NEVER },
          ],
          look: 1,
        }),
        publishManifests: async ({ images }) => ({
          summary: '',
          look: 2,
          images: images.map((image) =>
            image.tag === 'published'
              ? { ...image, state: 'failed' as const, changed: false, bytes: 0, failure: LATER }
              : { ...image, state: 'verified' as const, changed: true, bytes: 1 },
          ),
        }),
      },
      () => scanned(),
    );
    expect(times('compareRepository')).toBe(1);
    expect(result.unsettled).toBe(3);
    expect(result.work).toMatchObject({ failed: 5, synced: 1 });
    expect(result.summary).toMatch(/5 failed$/);
    const states = Object.fromEntries(world.outcomes.map(({ tag, sync, failure }) => [tag, [sync, failure?.code]]));
    expect(states).toEqual({
      fetched: ['failed', 'UNAUTHORIZED'],
      denied: ['failed', 'DENIED'],
      published: ['failed', 'UNAUTHORIZED'],
      fine: ['synced', undefined],
    });
  });

  it.each([
    [LATER, 2],
    [NEVER, 0],
  ])('records each tag of a batch failed when an activity fails as a whole (%j)', async (failure, unsettled) => {
    const result = await world.run(
      {
        compareRepository: async () => compared({ tags: differing('a', 'b') }),
        publishManifests: async () => {
          throw activityError(failure);
        },
      },
      () => scanned(),
    );
    expect(world.outcomes).toEqual(
      ['a', 'b'].map((tag) => expect.objectContaining({ tag, sync: 'failed', verification: 'pending', failure })),
    );
    expect(result).toMatchObject({ unsettled, work: { failed: 2, synced: 0 } });
  });

  it('fails, with the reason, when it cannot compare', async () => {
    await world.run(
      {
        compareRepository: async () => {
          throw activityError(LATER);
        },
      },
      async () => {
        const failed = (await scanned().catch((thrown: unknown) => thrown)) as WorkflowFailedError;
        expect(failed).toBeInstanceOf(WorkflowFailedError);
        expect(failed.cause?.cause).toMatchObject({ type: 'UNAUTHORIZED', message: 'the password is wrong' });
      },
    );
  });

  it('records pending when it is cancelled', async () => {
    await world.run(
      {
        compareRepository: async () => compared({ tags: differing('a', 'b') }),
        enumerateLayers: async () => {
          await world.env.client.workflow.getHandle(WORKFLOW.workflowId).cancel();
          await breathe(300);
          return NOTHING_LACKS;
        },
      },
      async () => {
        await expect(scanned()).rejects.toThrow();
      },
    );
    expect(world.outcomes).toEqual(['a', 'b'].map((tag) => expect.objectContaining({ tag, sync: 'pending', verification: 'pending' })));
    expect(times('publishManifests')).toBe(0);
  });

  it('asks for the lane and the priority of its work', async () => {
    await world.run(
      {
        compareRepository: async () => compared({ tags: [...differing('new'), { tag: 'old', digest: digest('a'), same: true }] }),
        recordScan: async () => ({ summary: '', verify: ['old'], gone: [], foreign: 0 }),
      },
      () => scanned(),
    );
    const { events } = await world.env.client.workflow.getHandle(WORKFLOW.workflowId).fetchHistory();
    const asked = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: task }) =>
      task?.activityType?.name === 'fetchManifests' ? [[task.taskQueue?.name, task.priority?.priorityKey]] : [],
    );
    expect(asked).toEqual([
      [bulkQueue('eu'), PRIORITY.backfill],
      [bulkQueue('eu'), PRIORITY.verify],
    ]);
  });
});
