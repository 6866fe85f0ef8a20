import { describe, expect, it } from '@jest/globals';
import type { WorkflowFailedError } from '@temporalio/client';
import { bulkQueue, WORKFLOWS } from '../../src/model/names.ts';
import type { BackfillProgress, BackfillSiteInput, PublishManifestsInput, PublishManifestsResult } from '../../src/model/steps.ts';
import type { Failure } from '../../src/model/failure.ts';
import { POLICY } from '../support/policy.ts';
import { compared, FIVE, LATER, NEVER, published, repositoryRuns } from './repository-runs.ts';
import { digest, workflowWorld } from './world.ts';

const world = workflowWorld();
const { notice, scanned } = repositoryRuns(world);
const policy = { ...POLICY, untagged: 'all' } as const;
const BY_DIGEST = ['enumerateLayers', 'copyBlobs', 'publishManifests'];

/** Tags come over, what has none fails. */
function failing(failure: Failure, times = Number.POSITIVE_INFINITY): (input: PublishManifestsInput) => Promise<PublishManifestsResult> {
  let left = times;
  return async (input) =>
    published(input, input.images[0]?.tag === undefined && left-- > 0 ? { state: 'failed', changed: false, failure } : {});
}

const withUntagged = async () =>
  compared({ tags: [{ tag: 'v1', digest: digest('a'), same: false }], untagged: [digest('5'), digest('6')] });

describe('manifests that no tag names', () => {
  it('come after the tags of a comparison, and are no images', async () => {
    const result = await world.run({ compareRepository: withUntagged }, () => scanned({ policy }));
    expect(world.names()).toEqual(['compareRepository', 'recordScan', ...FIVE, ...BY_DIGEST]);
    expect(world.inputs('publishManifests')[1]?.images).toEqual([{ digest: digest('5') }, { digest: digest('6') }]);
    expect(result).toMatchObject({ work: { synced: 1, failed: 0, blobsCopied: 2 }, unsettled: 0 });
    expect(world.outcomes.map(({ tag }) => tag)).toEqual(['v1']);
  });

  it('fail their repository where they do not come over, though its tags did', async () => {
    await world.run({ compareRepository: withUntagged, publishManifests: failing(NEVER) }, async () => {
      await expect(scanned({ policy })).rejects.toMatchObject({
        cause: { type: 'DENIED', message: '2 manifests without a tag could not be replicated: this user may not' },
      } satisfies { cause: Partial<WorkflowFailedError['cause']> & { type: string } });
    });
    expect(world.outcomes).toMatchObject([{ tag: 'v1', sync: 'synced', verification: 'succeeded' }]);
  });

  it('are named by the backfill then, which is not whole', async () => {
    const input: BackfillSiteInput = { policy, verify: 'auto', once: true, concurrency: 1 };
    const progress = await world.run({ compareRepository: withUntagged, publishManifests: failing(LATER) }, () =>
      world.env.client.workflow.execute<(input: BackfillSiteInput) => Promise<BackfillProgress>>(WORKFLOWS.backfillSite, {
        workflowId: 'backfill/eu',
        taskQueue: bulkQueue('eu'),
        args: [input],
      }),
    );
    expect(progress.failures).toMatchObject([{ repository: 'app', failure: { code: 'UNAUTHORIZED' } }]);
    expect(progress.failures[0]?.failure.message).toContain('2 manifests without a tag could not be replicated: the password is wrong');
  });

  it('that an event named and that failed are tried again with the scan that follows', async () => {
    const lookAtDigests = async ({ digests }: { digests: readonly `${string}:${string}`[] }) => ({ summary: '', subjects: digests });
    await world.run({ lookAtDigests, compareRepository: async () => compared({}), publishManifests: failing(LATER, 1) }, async () => {
      await (await notice({ kind: 'digest', digest: digest('5') }, { policy })).result();
    });
    expect(world.names()).toEqual(['lookAtDigests', ...BY_DIGEST, 'lookAtDigests', ...BY_DIGEST, 'compareRepository', 'recordScan']);
    expect(world.inputs('lookAtDigests').map(({ digests }) => digests)).toEqual([[digest('5')], [digest('5')]]);
  });

  it('that an event named and that no retry brings over fail the workflow, which is seen', async () => {
    const lookAtDigests = async () => ({ summary: '', subjects: [digest('5')] });
    await world.run({ lookAtDigests, publishManifests: failing(NEVER) }, async () => {
      const handle = await notice({ kind: 'digest', digest: digest('5') }, { policy });
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'DENIED', message: 'this user may not' } });
    });
  });
});
