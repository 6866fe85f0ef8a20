import { condition, continueAsNew, setHandler, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { readLimits, type SiteLimits } from '../src/model/limits.ts';
import { LIMITS_MEMO } from '../src/model/names.ts';
import { change, reset } from './messages.ts';

/** Changes of one run: histories stay short. */
const CHANGES_A_RUN = 200;

/**
 * While it runs, the site's workers keep to the limits in its memo instead of the configured ones. What it is started with, and signal `change`, name some
 * and let the others be; what names none, or a number that cannot be, changes nothing, and why is in the memo. Signal `reset` ends it, and so does a cancel.
 */
export async function limitSite(wanted?: unknown): Promise<void> {
  let limits: SiteLimits = {};
  let refused: string | null = null;
  let changes = 0;
  let over = false;
  const apply = (asked: unknown): void => {
    const read = readLimits(asked);
    changes += 1;
    refused = typeof read === 'string' ? read : null;
    if (typeof read !== 'string') limits = { ...limits, ...read };
  };
  if (wanted !== undefined) apply(wanted);
  setHandler(change, apply);
  setHandler(reset, () => {
    over = true;
  });
  for (;;) {
    const shown = changes;
    upsertMemo({ [LIMITS_MEMO]: { limits, refused } });
    await condition(() => over || changes > shown);
    if (over) return;
    if (changes >= CHANGES_A_RUN || workflowInfo().continueAsNewSuggested) return continueAsNew<typeof limitSite>(limits);
  }
}
