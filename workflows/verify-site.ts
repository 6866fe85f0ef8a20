import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { chunks } from '../src/model/batches.ts';
import type { ImageCursor, VerifyProgress, VerifySiteInput } from '../src/model/steps.ts';
import { addWork, NO_WORK } from '../src/model/work.ts';
import { control } from './activities.ts';
import { pause, resume, verifyProgress } from './messages.ts';
import { settleBatch } from './scan.ts';

const IMAGES_A_PAGE = 500;
/** Every byte of a batch is read in one activity: what a worker that stops had read is read again. */
const BATCH = { shallow: 100, deep: 10 } as const;

/**
 * Reads back at the secondary what the ledger calls synced: manifests whole, blobs by their last byte or hashed whole. What is missing or differs is mended
 * at once; what cannot be is recorded as failed, with the difference.
 * @returns the progress at the end
 */
export async function verifySite(input: VerifySiteInput): Promise<VerifyProgress> {
  const { policy, depth, sample, carried } = input;
  let progress: VerifyProgress = carried?.progress ?? { state: 'running', depth, images: 0, repaired: 0, failed: 0, work: NO_WORK };
  let paused = carried?.paused ?? false;
  let after: ImageCursor | undefined = carried?.after;
  setHandler(pause, () => {
    paused = true;
  });
  setHandler(resume, () => {
    paused = false;
  });
  setHandler(verifyProgress, () => (paused ? { ...progress, state: 'paused' } : progress));
  for (;;) {
    await condition(() => !paused);
    const page = await control.imagesToVerify(
      { policy, limit: IMAGES_A_PAGE, sample, ...(after ? { after } : {}) },
      { summary: `${policy.site}: what is to be read back${after ? ` after ${after.repository}:${after.tag}` : ''}` },
    );
    for (const { repository, tags } of page.batches) {
      for (const batch of chunks(tags, BATCH[depth])) {
        await condition(() => !paused);
        const { work, moving = 0 } = await settleBatch({ policy, repository }, depth, { tags: batch }, true);
        progress = {
          ...progress,
          images: progress.images + batch.length,
          repaired: progress.repaired + work.repaired,
          failed: progress.failed + work.failed,
          moving: (progress.moving ?? 0) + moving,
          work: addWork(progress.work, work),
        };
      }
    }
    after = page.next;
    if (!after) return { ...progress, state: 'done' };
    if (workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof verifySite>({ policy, depth, sample, carried: { after, paused, progress } });
    }
  }
}
