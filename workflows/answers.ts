import { ActivityFailure, CancellationScope, getExternalWorkflowHandle, isCancellation } from '@temporalio/workflow';
import type { Failure } from '../src/model/failure.ts';
import { wantedBy } from '../src/model/notices.ts';
import type { Notice, RepositoryStep, Scanned } from '../src/model/steps.ts';
import { NO_WORK } from '../src/model/work.ts';
import { activityFailure } from './activity-failure.ts';
import { scanned } from './messages.ts';

/** Tells workflows that wait for a comparison what came of it. */
export async function answer(waiting: readonly string[], result: Scanned): Promise<void> {
  for (const workflowId of waiting) {
    try {
      await getExternalWorkflowHandle(workflowId).signal(scanned, result);
    } catch (thrown) {
      // Who asked has ended meanwhile: nobody waits any more.
      if (isCancellation(thrown)) throw thrown;
    }
  }
}

/** What a repository's workflow has been asked. */
export interface Asked {
  readonly step: RepositoryStep;
  readonly notices: Notice[];
  serving: readonly Notice[];
}

/** Whether the same is being served, or waits, already for the same asker: it asks again where it has heard nothing for long. */
export function isAsked({ notices, serving }: Asked, { replyTo, verify, once }: Notice): boolean {
  if (replyTo === undefined) return false;
  return [...serving, ...notices].some((known) => known.replyTo === replyTo && known.verify === verify && known.once === once);
}

/** A workflow that is cancelled, or fails, leaves nobody waiting for it. */
export async function answerAtTheEnd(run: Asked, thrown: unknown): Promise<void> {
  if (!isCancellation(thrown) && !(thrown instanceof ActivityFailure)) return;
  const { repository } = run.step;
  const failure: Failure = isCancellation(thrown)
    ? { code: 'CANCELLED', message: `the comparison of ${repository} was cancelled`, retry: 'never' }
    : activityFailure(thrown);
  await CancellationScope.nonCancellable(async () => {
    for (;;) {
      const { replyTo } = wantedBy([...run.serving, ...run.notices.splice(0)]);
      run.serving = [];
      if (replyTo.length === 0) return;
      await answer(replyTo, { repository, work: NO_WORK, unsettled: 0, summary: failure.message, failure });
    }
  });
}
