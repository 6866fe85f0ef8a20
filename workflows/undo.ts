import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { Failure } from '../src/model/failure.ts';
import type { RestoreTagResult } from '../src/model/guard-steps.ts';
import type { RepositoryStep } from '../src/model/steps.ts';
import { shortDigest } from '../src/model/text.ts';
import type { UndoOrder } from '../src/model/undo-order.ts';
import { control, siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { failuresOf } from './copy-untagged.ts';
import { copyRound } from './round.ts';

/**
 * `restoreTag` → `recordUndo`: sets a tag back to what it stood for before, from what the secondary still holds, else from what the primary does. It goes in
 * the lane of pushes, for a person waits; whatever comes of it is recorded.
 */
export async function undo(step: RepositoryStep, order: UndoOrder): Promise<void> {
  const { result, reason, previous, look } = await restored(step, order);
  const done = result === 'restored' ? { restored: { look, ...(previous ? { previous } : {}) } } : {};
  await CancellationScope.nonCancellable(() =>
    control.recordUndo(
      { ...step, order, ...done, ...(reason === undefined ? {} : { reason }) },
      { summary: `${step.repository}: ${order.tag} ${result === 'restored' ? 'is' : 'is not'} ${shortDigest(order.digest)} again` },
    ),
  );
}

type Outcome = Pick<RestoreTagResult, 'reason' | 'previous' | 'look'> & { readonly result: RestoreTagResult['result'] | 'failed' };

async function restored(step: RepositoryStep, order: UndoOrder): Promise<Outcome> {
  try {
    const first = await restore(step, order);
    if (first.result !== 'lacking') return first;
    const failure = await copyAgain(step, order);
    const here = `the secondary cannot give ${order.digest} back (${first.reason ?? 'content is missing'}: its garbage collection may have taken it)`;
    if (failure) return { ...first, reason: `${here}, and it could not be copied from the primary: ${failure.message}` };
    return await restore(step, order);
  } catch (thrown) {
    if (isCancellation(thrown)) return { result: 'failed', reason: 'it was cancelled', look: 0 };
    return { result: 'failed', reason: activityFailure(thrown).message, look: 0 };
  }
}

function restore(step: RepositoryStep, order: UndoOrder): Promise<RestoreTagResult> {
  const { restoreTag } = siteActivities(step.policy.site, 'push');
  return restoreTag({ ...step, order }, { summary: `${step.repository}: ${order.tag} back to ${shortDigest(order.digest)}` });
}

/** @returns why the secondary does not hold all of it now */
async function copyAgain(step: RepositoryStep, { digest }: UndoOrder): Promise<Failure | undefined> {
  const copied = await copyRound({ step, lane: 'push', depth: 'shallow' }, [{ digest }]);
  return failuresOf(copied)[0]?.failure;
}
