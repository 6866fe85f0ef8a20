import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { backfillSiteId } from '../../model/names.ts';
import type { Depth } from '../../model/policy.ts';
import type { BackfillProgress, BackfillSiteInput } from '../../model/steps.ts';
import { backfillProgress } from '../temporal/backfill.ts';
import type { ControlledSite } from './parts.ts';

/** Repositories at a time; each has slots of its own at the worker, so more only fill the history. */
const CONCURRENCY = 8;

/** How a backfill is to run. */
export interface BackfillOptions {
  readonly verify?: 'auto' | Depth;
  /** A person waits for its end. */
  readonly once?: boolean;
}

/** The input of a site's backfill. */
export function backfillInput(site: ControlledSite, options: BackfillOptions = {}): BackfillSiteInput {
  return { policy: site.policy, verify: options.verify ?? 'auto', once: options.once ?? false, concurrency: CONCURRENCY };
}

/** Where a site's latest backfill stands, as Temporal knows it. */
export interface BackfillState extends BackfillProgress {
  readonly runId: string;
  readonly status: WorkflowExecutionStatusName;
}

/** Asks Temporal; `undefined` if the site has had no backfill. */
export async function backfillState(client: Client, site: string): Promise<BackfillState | undefined> {
  const progress = await backfillProgress(client, site);
  if (!progress) return undefined;
  const { runId, status } = await client.workflow.getHandle(backfillSiteId(site)).describe();
  return { ...progress, runId, status: status.name };
}
