import { ActivityFailure, ApplicationFailure, CancellationScope, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Failure } from '../src/model/failure.ts';

/**
 * What an activity that failed for good said, as it lies in the ledger; a cancellation is thrown on.
 * @throws whatever is no activity's failure: a defect of ours must fail the workflow task, not be recorded as an image's
 */
export function activityFailure(thrown: unknown): Failure {
  if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
  const cause = thrown.cause;
  if (cause instanceof ApplicationFailure && cause.details?.[0]) return cause.details[0] as Failure;
  if (cause instanceof TimeoutFailure)
    return { code: 'STALLED', message: `${thrown.activityType} gave no sign of life: ${cause.message}`, retry: 'now' };
  return { code: 'INTERNAL', message: cause?.message ?? thrown.message, retry: 'later' };
}

/** Whatever an activity for many repositories meets, their own workflows meet it too, and say of which repository. */
export async function orAlone(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (thrown) {
    // An activity may be cancelled by itself.
    if (!isCancellation(thrown) || CancellationScope.current().consideredCancelled) activityFailure(thrown);
  }
}
