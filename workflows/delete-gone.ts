import { chunks } from '../src/model/batches.ts';
import type { Notice, RepositoryStep, TaggedImage } from '../src/model/steps.ts';
import { count } from '../src/model/text.ts';
import { control, siteActivities } from './activities.ts';

/** Deletions proved in one activity: each costs several requests. */
const AT_ONCE = 50;

export interface DeleteOptions {
  /** When the listing that lacked these tags was looked at. */
  readonly look: number;
  readonly confirmAfterMs: number;
  readonly deletions: readonly Notice[];
}

/** `planDeletions` → `deleteTags` → `recordDeletions`: what the ledger lets go goes, with evidence taken at the moment of deletion. */
export async function deleteGone(
  step: RepositoryStep,
  gone: readonly TaggedImage[],
  options: DeleteOptions,
): Promise<{ deleted: number; waiting: number }> {
  if (gone.length === 0 || step.policy.deletes.policy === 'never') return { deleted: 0, waiting: 0 };
  const { look, confirmAfterMs, deletions } = options;
  const summary = `${step.repository}: ${count(gone.length, 'tag')} no longer listed`;
  const plan = await control.planDeletions({ ...step, candidates: gone, events: deletions, look, confirmAfterMs }, { summary });
  let deleted = 0;
  let waiting = plan.waiting;
  for (const batch of chunks(plan.approved, AT_ONCE)) {
    const { deleteTags } = siteActivities(step.policy.site, 'bulk');
    const done = await deleteTags(
      { ...step, deletions: batch, controls: plan.controls },
      { summary: `${step.repository}: ${count(batch.length, 'tag')}` },
    );
    const recorded = await control.recordDeletions(
      { ...step, outcomes: done.outcomes, look: done.look },
      { summary: `${step.repository}: ${done.summary}` },
    );
    waiting += recorded.again ?? 0;
    deleted += done.outcomes.filter(({ result }) => result === 'deleted').length;
    const back = done.outcomes.filter(({ result }) => result === 'back').map(({ tag }) => ({ tag }));
    if (back.length > 0)
      await control.startLook(
        { ...step, looks: back, notices: [] },
        { summary: `${step.repository}: ${count(back.length, 'tag')} back at the primary` },
      );
  }
  return { deleted, waiting };
}
