import { Context } from '@temporalio/activity';
import { type TwinportError } from '../../src/model/failure.ts';
import type { CopyBlobsInput, CopyBlobsResult, CopyHeartbeat } from '../../src/model/steps.ts';
import { WHOLE_BYTES } from '../../src/replication/copy-blob.ts';
import { copyBlobs as copy } from '../../src/replication/copy-blobs.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { retryableOf } from '../failure.ts';
import { howEnded, runActivity, stillCounts } from './context.ts';

/** What is limited is attempts in a row that moved nothing: a large blob on a bad line may need many that each move a little. */
const ATTEMPTS_WITHOUT_PROGRESS = 5;

/** Is told of each `copyBlobs` that ended, and whether what it copied had been there before. */
export type OnCopied = (result: CopyBlobsResult, healed: boolean) => void;

/**
 * Blobs to the secondary. Safe to repeat because an upload goes on where the registry says it stands and a finished blob is found by reading it;
 * the heartbeat carries each open upload's location and offset, and the work done so far.
 */
export const copyBlobs =
  (site: Site, onCopied: OnCopied) =>
  (input: CopyBlobsInput): Promise<CopyBlobsResult> => {
    const context = Context.current();
    const earlier = context.info.heartbeatDetails as CopyHeartbeat | undefined;
    const attempt = context.info.attempt;
    let position = earlier;
    const announced = new Set<string>();
    const small = new Set(input.blobs.filter(({ size }) => size <= WHOLE_BYTES).map(({ digest }) => digest));
    const retryable = (failures: CopyBlobsResult['failures']): TwinportError | undefined =>
      attempt - (position?.progressAttempt ?? 0) < ATTEMPTS_WITHOUT_PROGRESS ? retryableOf(failures) : undefined;
    return runActivity(
      site,
      input,
      async (signal) => {
        const result = await copy(routeOf(site, input, signal), input.blobs, {
          earlier,
          attempt,
          onProgress(heartbeat) {
            position = heartbeat;
            // At once for a new upload: one that no heartbeat knows would be left behind by a kill. A small blob's is over before the next one, mostly.
            const fresh = heartbeat.uploads.filter(({ digest, location }) => !small.has(digest) && !announced.has(location));
            if (fresh.length === 0) return;
            for (const upload of fresh) announced.add(upload.location);
            context.heartbeat(heartbeat);
          },
          ended: howEnded,
          unheardMs: context.info.heartbeatTimeoutMs,
          goesOn: async (failures) => retryable(failures) !== undefined && stillCounts(position),
          depth: input.depth,
        });
        const again = retryable(result.failures);
        if (again) {
          context.heartbeat(position);
          throw again;
        }
        onCopied(result, input.heals === true);
        return result;
      },
      () => position,
    );
  };
