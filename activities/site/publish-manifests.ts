import type { PublishManifestsInput, PublishManifestsResult } from '../../src/model/steps.ts';
import { publishManifests as publish } from '../../src/replication/publish-manifests.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { retryableOf } from '../failure.ts';
import { BATCH_ATTEMPTS, attemptNumber, runActivity, scheduledAt } from './context.ts';

/**
 * Children, indexes, then the tag; read back on both sides. Safe to repeat because what is there already is only read; the heartbeat carries nothing.
 */
export const publishManifests =
  (site: Site) =>
  (input: PublishManifestsInput): Promise<PublishManifestsResult> =>
    runActivity(site, input, async (signal) => {
      const published = await publish(routeOf(site, input, signal), input.images, input.failedBlobs, input.overwrite);
      const failed = published.images.flatMap(({ failure, state }) => (failure && state === 'failed' ? [{ failure }] : []));
      const retryable = input.failedBlobs.length === 0 ? retryableOf(failed) : undefined;
      if (retryable && attemptNumber() < BATCH_ATTEMPTS) throw retryable;
      const first = attemptNumber() === 1;
      return {
        ...published,
        // What an attempt before this one had put may have come after this one looked.
        images: first ? published.images : published.images.map((image) => (image.state === 'verified' ? image : { ...image, put: true })),
        look: scheduledAt(),
        ...(first ? {} : { repeated: true }),
      };
    });
