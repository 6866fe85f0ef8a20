import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type Failure, isTwinportError, TwinportError } from '../../src/model/failure.ts';
import type { Step } from '../../src/model/steps.ts';
import type { Patience } from '../../src/registry/host-watch.ts';
import type { Ended } from '../../src/replication/copy-blobs.ts';
import type { Site } from '../../src/replication/site.ts';
import { applicationFailure, retryableOf, withoutSecrets } from '../failure.ts';

/** Attempts of a batch before its failures are recorded image by image; beyond this the workflow's back-off takes over. */
export const BATCH_ATTEMPTS = 3;
const BEAT_MS = 1_000;
/** A heartbeat goes out within a fifth of a second, and is answered. */
const VERDICT_MS = 1_000;

/** A registry that is away is waited for this long in one attempt. */
const PATIENT: Patience = { waitMs: 300_000 };
/** Where nobody knows yet that something is left to do, the outage is told once it has lasted this long. */
const IMPATIENT: Patience = { outageMs: 10_000 };

/**
 * Runs an activity's body with its cancellation signal and a heartbeat a second, once both registries are there as far as is known; errors become
 * Temporal's, a cancel stays a cancel. Whoever waits here keeps the lane's slot: so nobody else tries in vain.
 * @param position what the heartbeat carries
 */
export async function runActivity<T>(
  site: Site,
  { patient = false }: Step,
  body: (signal: AbortSignal) => Promise<T>,
  position: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  // Every request of a batch listens to it; that is no leak.
  setMaxListeners(0, context.cancellationSignal);
  const beat = setInterval(() => context.heartbeat(position()), BEAT_MS);
  try {
    await site.untilResumed?.(context.cancellationSignal);
    await untilBothAreThere(site, patient, context.cancellationSignal);
    return withoutSecrets(await body(context.cancellationSignal));
  } catch (thrown) {
    throw await cancellationOr(thrown);
  } finally {
    clearInterval(beat);
  }
}

async function untilBothAreThere({ primary, secondary }: Site, patient: boolean, signal: AbortSignal): Promise<void> {
  for (const session of [primary, secondary]) {
    try {
      await session.untilBack(patient ? PATIENT : IMPATIENT, signal);
    } catch (thrown) {
      if (patient || !isTwinportError(thrown) || thrown.code !== 'UNREACHABLE') throw thrown;
      // Another attempt would only wait again: the workflow records the failure, and comes back with patience.
      throw new TwinportError('UNREACHABLE', thrown.message, { cause: thrown, retry: 'later' });
    }
  }
}

/**
 * Fails the attempt if a retry may mend what failed in a batch; after some attempts the failures are left in the result, for each image to carry its own.
 */
export function settleBatch<T extends { failures: readonly { failure: Failure }[] }>(result: T): T {
  const retryable = retryableOf(result.failures);
  if (retryable && Context.current().info.attempt < BATCH_ATTEMPTS) throw retryable;
  return result;
}

/** When this attempt was scheduled, by Temporal's clock: the moment that a look is "as of". */
export function scheduledAt(): number {
  return Context.current().info.currentAttemptScheduledTimestampMs;
}

/** The activity was asked to end: give Temporal its own cancellation, or say that the worker goes and the attempt may be repeated. */
async function cancellationOr(thrown: unknown): Promise<unknown> {
  const context = Context.current();
  if (!context.cancellationSignal.aborted) return applicationFailure(thrown);
  if (howEnded() === 'handed-over')
    return applicationFailure(new TwinportError('UNAVAILABLE', 'the worker is shutting down; another attempt goes on'));
  return context.cancelled.catch((cancellation: unknown) => cancellation);
}

/** Why the attempt ends: its worker stops, Temporal has given it up (or its workflow has ended), or somebody cancelled the sync. */
export function howEnded(): Ended {
  const reason: unknown = Context.current().cancellationSignal.reason;
  const message = String((reason as { message?: unknown } | undefined)?.message);
  if (message.includes('WORKER_SHUTDOWN')) return 'handed-over';
  return /NOT_FOUND|TIMED_OUT/.test(message) ? 'replaced' : 'cancelled';
}

/**
 * Whether this is still the attempt that counts, as far as a heartbeat tells; one that stood still, or was cut off from Temporal, may have been
 * given up long ago.
 */
export async function stillCounts(position: unknown): Promise<boolean> {
  const context = Context.current();
  context.heartbeat(position);
  await Promise.race([sleep(VERDICT_MS, undefined, { ref: false }), context.cancelled.catch(() => undefined)]);
  return !context.cancellationSignal.aborted;
}

/** Which attempt this is, from 1. */
export function attemptNumber(): number {
  return Context.current().info.attempt;
}
