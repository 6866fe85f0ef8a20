import { ApplicationFailure } from '@temporalio/common';
import { failureOf, TwinportError, type Failure } from '../src/model/failure.ts';
import { redact } from '../src/telemetry/index.ts';

/** A Retry-After beyond this is not waited for in one go: the host may be well sooner. */
const LONGEST_WAIT_MS = 5 * 60_000;

/**
 * The only map from our errors to Temporal's: the code becomes the failure's type, and only what the same attempt may mend at once is retried
 * by the activity's policy; what needs time or a person is the workflow's to wait for. Causes stay in this process: a library's error may hold a
 * request with its headers, and a history is kept for long and read by many.
 */
export function applicationFailure(thrown: unknown): ApplicationFailure {
  const failure = withoutSecrets(failureOf(thrown));
  const error = ApplicationFailure.create({
    message: failure.message,
    type: failure.code,
    nonRetryable: failure.retry !== 'now',
    details: [failure],
    ...(failure.retryAfterMs === undefined ? {} : { nextRetryDelay: Math.min(failure.retryAfterMs, LONGEST_WAIT_MS) }),
  });
  error.stack = framesOf(thrown);
  return error;
}

/** The first of a batch's failures that a retry of the whole activity may mend. */
export function retryableOf(failures: readonly { failure: Failure }[]): TwinportError | undefined {
  const found = failures.find(({ failure }) => failure.retry === 'now')?.failure;
  return found && new TwinportError(found.code, found.message, { retry: 'now', retryAfterMs: found.retryAfterMs });
}

/** An activity's result, with the secrets that this process knows struck out of every failure in it. */
export function withoutSecrets<T>(result: T): T {
  if (Array.isArray(result)) return result.map(withoutSecrets) as T;
  if (typeof result !== 'object' || result === null) return result;
  const entries = Object.entries(result).map(([key, value]: [string, unknown]) =>
    key === 'message' && isFailure(result) ? [key, redact(String(value))] : [key, withoutSecrets(value)],
  );
  return Object.fromEntries(entries) as T;
}

function isFailure(value: object): boolean {
  return 'code' in value && 'retry' in value;
}

/** Where it was thrown; the lines before it repeat the message. */
function framesOf(thrown: unknown): string {
  const stack = typeof thrown === 'object' && thrown !== null && 'stack' in thrown ? String(thrown.stack) : '';
  return stack
    .split('\n')
    .filter((line) => /^\s+at [^?]*$/.test(line))
    .join('\n');
}
