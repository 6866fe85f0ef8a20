import { BATCH_IMAGES, chunks } from '../src/model/batches.ts';
import type { Digest } from '../src/model/digest.ts';
import type { Failure } from '../src/model/failure.ts';
import { PRIORITY } from '../src/model/names.ts';
import type { RepositoryStep } from '../src/model/steps.ts';
import { count } from '../src/model/text.ts';
import { addWork, NO_WORK, type Work } from '../src/model/work.ts';
import { activityFailure } from './activity-failure.ts';
import { copyRound, type Round, type RoundResult } from './round.ts';

/**
 * Brings manifests over that no tag names. They are no images and have no state of their own in the ledger, so the first failure is what the
 * repository's comparison ends with.
 */
export async function copyUntagged(step: RepositoryStep, digests: readonly Digest[]): Promise<{ work: Work; failure?: Failure }> {
  const round: Round = { step, lane: 'bulk', depth: 'shallow', priority: PRIORITY.backfill };
  const failures: Failure[] = [];
  let work = NO_WORK;
  for (const batch of chunks(digests, BATCH_IMAGES)) {
    try {
      const copied = await copyRound(
        round,
        batch.map((digest) => ({ digest })),
      );
      work = addWork(work, copied.work);
      failures.push(...failuresOf(copied).map(({ failure }) => failure));
    } catch (thrown) {
      failures.push(activityFailure(thrown));
    }
  }
  const failure = summed(failures);
  return { work: addWork(work, { failed: failures.length }), ...(failure ? { failure } : {}) };
}

/** What of a round by digest did not come over; what is gone at the primary by now has nowhere to come from. */
export function failuresOf({ published, failures }: Pick<RoundResult, 'published' | 'failures'>): { digest?: Digest; failure: Failure }[] {
  const failed = published.flatMap(({ digest, state, failure }) =>
    failure && (state === 'failed' || state === 'incomplete') ? [{ digest, failure }] : [],
  );
  return [...failures, ...failed];
}

/** One that a retry may mend stands for all, so that there is one. */
function summed(failures: readonly Failure[]): Failure | undefined {
  const first = failures.find(({ retry }) => retry !== 'never') ?? failures[0];
  return (
    first && {
      ...first,
      message: `${count(failures.length, 'manifest')} without a tag could not be replicated: ${first.message}`,
    }
  );
}
