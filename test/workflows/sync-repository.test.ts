import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import { bulkQueue, PRIORITY } from '../../src/model/names.ts';
import { FIVE, LATER, NEVER, WORKFLOW, compared, published, plan, differing, gone, planned, repositoryRuns } from './repository-runs.ts';
import { POLICY } from '../support/policy.ts';
import { activityError, breathe, digest, workflowWorld } from './world.ts';

const world = workflowWorld();
const { notice, scanned, times } = repositoryRuns(world);

const nothingLacks = { summary: '', lacking: [], incomplete: [], present: 1, more: false, failures: [] };

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
          ...nothingLacks,
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
          return nothingLacks;
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

describe('deletions', () => {
  const lacking = async () => ({ summary: '', verify: [], gone: [gone('old')], foreign: 0 });
  const empty = async () => compared({ look: 1_000 + times('compareRepository') });

  it('are proved, done and recorded where the ledger approves', async () => {
    const controls = [{ repository: 'app', tag: 'v1', digest: digest('a') }];
    const result = await world.run(
      { compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ approved: [planned('old')], controls }) },
      () => scanned(),
    );
    expect(world.names()).toEqual(['compareRepository', 'recordScan', 'planDeletions', 'deleteTags', 'recordDeletions']);
    expect(world.inputs('planDeletions')).toEqual([
      expect.objectContaining({ candidates: [gone('old')], events: [], look: 1_001, confirmAfterMs: 600_000 }),
    ]);
    expect(world.inputs('deleteTags')[0]).toMatchObject({ deletions: [planned('old')], controls });
    expect(world.inputs('recordDeletions')[0]?.outcomes).toEqual([{ ...planned('old'), result: 'deleted' }]);
    expect(result.work.deleted).toBe(1);
  });

  it('look again at a tag that came back, and count what was deleted alone', async () => {
    const approved = [planned('old'), planned('back'), planned('held')];
    const results = { old: 'deleted', back: 'back', held: 'held' } as const;
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => plan({ approved }),
        deleteTags: async ({ deletions }) => ({
          summary: '',
          look: 9,
          outcomes: deletions.map((deletion) => ({ ...deletion, result: results[deletion.tag as keyof typeof results] })),
        }),
      },
      () => scanned(),
    );
    expect(world.inputs('startLook')).toEqual([expect.objectContaining({ repository: 'app', looks: [{ tag: 'back' }], notices: [] })]);
    expect(world.inputs('recordDeletions')[0]).toMatchObject({ look: 9 });
    expect(result.work.deleted).toBe(1);
  });

  it('are asked for fifty at a time', async () => {
    const approved = Array.from({ length: 120 }, (_, n) => planned(`old${n}`));
    await world.run({ compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ approved }) }, () => scanned());
    expect(world.inputs('deleteTags').map(({ deletions }) => deletions.length)).toEqual([50, 50, 20]);
    expect(times('recordDeletions')).toBe(3);
  });

  it('are decided once for all pages, from the first page’s look', async () => {
    const pages = [compared({ look: 5, next: 'm' }), compared({ look: 6 })];
    await world.run(
      {
        compareRepository: async () => pages[times('compareRepository') - 1]!,
        recordScan: async ({ after }) => ({ summary: '', verify: [], gone: [gone(after === undefined ? 'b' : 'x')], foreign: 0 }),
      },
      () => scanned(),
    );
    expect(world.inputs('planDeletions')).toEqual([expect.objectContaining({ candidates: [gone('b'), gone('x')], look: 5 })]);
  });

  it('that wait for a second listing get it at once where a person waits', async () => {
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => (times('planDeletions') === 1 ? plan({ waiting: 1 }) : plan({ approved: [planned('old')] })),
      },
      () => scanned({ once: true }),
    );
    expect(world.names()).toEqual([
      ...['compareRepository', 'recordScan', 'planDeletions'],
      ...['compareRepository', 'recordScan', 'planDeletions', 'deleteTags', 'recordDeletions'],
    ]);
    expect(world.inputs('planDeletions').map(({ look, confirmAfterMs }) => [look, confirmAfterMs])).toEqual([
      [1_001, 0],
      [1_002, 0],
    ]);
    expect(new Set(world.inputs('recordScan').map((record) => record.scan)).size).toBe(2);
    expect(result.work.deleted).toBe(1);
  });

  it('of which another digest of ours was found are planned again where a person waits', async () => {
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => plan({ approved: [planned('old')] }),
        deleteTags: async ({ deletions }) => ({
          summary: '',
          look: 9,
          outcomes: deletions.map((one) => ({ ...one, result: times('deleteTags') === 1 ? ('changed' as const) : ('deleted' as const) })),
        }),
        recordDeletions: async () => ({ summary: '', ...(times('recordDeletions') === 1 ? { again: 1 } : {}) }),
      },
      () => scanned({ once: true }),
    );
    expect(times('deleteTags')).toBe(2);
    expect(result.work.deleted).toBe(1);
  });

  it('that wait for a second listing wait for another scan where nobody does', async () => {
    await world.run({ compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ waiting: 1 }) }, () => scanned());
    expect(world.names()).toEqual(['compareRepository', 'recordScan', 'planDeletions']);
  });

  it('are not even planned where the policy is never', async () => {
    const policy = { ...POLICY, deletes: { ...POLICY.deletes, policy: 'never' as const } };
    await world.run({ compareRepository: empty, recordScan: lacking }, () => scanned({ policy }));
    expect(world.names()).toEqual(['compareRepository', 'recordScan']);
  });

  it('take delete events as evidence, after a quiet time', async () => {
    const started = await world.env.currentTimeMs();
    await world.run({ compareRepository: empty, recordScan: lacking }, async () => {
      await notice({ kind: 'deleted', tag: 'old' });
      await (await notice({ kind: 'deleted', digest: digest('d') })).result();
    });
    expect(times('compareRepository')).toBe(1);
    expect(world.inputs('planDeletions')[0]?.events).toEqual([
      { kind: 'deleted', tag: 'old', receivedAt: 1 },
      { kind: 'deleted', digest: digest('d'), receivedAt: 1 },
    ]);
    expect((await world.env.currentTimeMs()) - started).toBeGreaterThanOrEqual(5_000);
  });

  it('keep the evidence of a delete event until a comparison succeeds', async () => {
    await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') === 1) throw activityError(LATER);
          return empty();
        },
        recordScan: lacking,
      },
      async () => {
        await (await notice({ kind: 'deleted', tag: 'old' })).result();
      },
    );
    expect(world.inputs('planDeletions')[0]?.events).toEqual([{ kind: 'deleted', tag: 'old', receivedAt: 1 }]);
  });
});
