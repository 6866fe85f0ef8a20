import { ApplicationFailure } from '@temporalio/common';
import { failureOf, TwinportError, type Failure } from '../src/model/failure.ts';

/** A Retry-After beyond this is not waited for in one go: the host may be well sooner. */
const LONGEST_WAIT_MS = 5 * 60_000;

/**
 * The only map from our errors to Temporal's: the code becomes the failure's type, and only what the same attempt may mend at once is retried
 * by the activity's policy; what needs time or a person is the workflow's to wait for.
 */
export function applicationFailure(thrown: unknown): ApplicationFailure {
  const failure = failureOf(thrown);
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.code,
    nonRetryable: failure.retry !== 'now',
    details: [failure],
    ...(failure.retryAfterMs === undefined ? {} : { nextRetryDelay: Math.min(failure.retryAfterMs, LONGEST_WAIT_MS) }),
    ...(thrown instanceof Error ? { cause: thrown } : {}),
  });
}

/** The first of a batch's failures that a retry of the whole activity may mend. */
export function retryableOf(failures: readonly { failure: Failure }[]): TwinportError | undefined {
  const found = failures.find(({ failure }) => failure.retry === 'now')?.failure;
  return found && new TwinportError(found.code, found.message, { retry: 'now', retryAfterMs: found.retryAfterMs });
}
