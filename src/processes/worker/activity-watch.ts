import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { aboutOf } from '../../model/about.ts';
import { failureOf } from '../../model/failure.ts';
import type { MarkVerificationInput } from '../../model/steps.ts';
import { countAttempt, type Logger } from '../../telemetry/index.ts';

/** Counts every attempt of every activity, and tells of those that failed: whose they were, and which workflow waits for them. */
export function watchActivities(logger: Logger): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const { activityType: activity, attempt, workflowExecution } = info;
        try {
          const result: unknown = await next(input);
          countAttempt(activity, attempt, 'done');
          return result;
        } catch (thrown) {
          const failure = failureOf(thrown);
          const cancelled = failure.code === 'CANCELLED';
          countAttempt(activity, attempt, cancelled ? 'cancelled' : 'failed');
          const line = {
            ...aboutOf(input.args[0]),
            workflowId: workflowExecution?.workflowId,
            activity,
            attempt,
            code: failure.code,
            reason: failure.message,
          };
          logger[cancelled ? 'debug' : 'info'](line, 'an attempt did not succeed');
          throw thrown;
        }
      },
    },
  });
}

/** Tells what became of images, a line each. */
export function tellOutcomes(
  logger: Logger,
  { policy, repository, outcomes }: MarkVerificationInput,
  workflowId: string | undefined,
): void {
  for (const { tag, digest, sync, verification, failure } of outcomes) {
    const line = { site: policy.site, repository, reference: `${repository}:${tag}`, digest, workflowId };
    if (verification === 'succeeded') logger.info(line, 'verified');
    else if (failure) logger.info({ ...line, sync, verification, code: failure.code, reason: failure.message }, 'not replicated');
  }
}
