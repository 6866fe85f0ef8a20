import { WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import { failureOf } from '../../model/failure.ts';
import { backfillSiteId } from '../../model/names.ts';
import type { Depth } from '../../model/policy.ts';
import type { BackfillProgress, BackfillSiteInput } from '../../model/steps.ts';
import { awaitBackfill, backfillProgress } from '../temporal/backfill.ts';
import type { ControlledSite } from './parts.ts';

/** Repositories at a time; each has slots of its own at the worker, so more only fill the history. */
const CONCURRENCY = 8;
/** A worker that is busy or away must not hold up who asks. */
const QUERY_MS = 3_000;

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

/** Where a site's latest backfill stands, as Temporal knows it; how far it is only if a worker answers. */
export interface BackfillState extends Partial<BackfillProgress> {
  readonly runId: string;
  readonly status: WorkflowExecutionStatusName;
  /** Why it failed. */
  readonly reason?: string;
}

/** Asks Temporal; `undefined` if the site has had no backfill. */
export async function backfillState(client: Client, site: string): Promise<BackfillState | undefined> {
  // The status first: a progress that is asked for after the end is the last one.
  const described = await describe(client, site);
  if (!described) return undefined;
  const progress = await client.withDeadline(Date.now() + QUERY_MS, () => backfillProgress(client, site)).catch(() => undefined);
  const reason = described.status === 'FAILED' ? { reason: await failureReason(client, site) } : {};
  return { ...progress, ...described, ...reason };
}

async function describe(client: Client, site: string): Promise<Pick<BackfillState, 'runId' | 'status'> | undefined> {
  try {
    const { runId, status } = await client.workflow.getHandle(backfillSiteId(site)).describe();
    return { runId, status: status.name };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function failureReason(client: Client, site: string): Promise<string> {
  try {
    await awaitBackfill(client, site);
    return 'unknown';
  } catch (error) {
    let deepest: unknown = error;
    while (typeof deepest === 'object' && deepest !== null && 'cause' in deepest && deepest.cause !== undefined) deepest = deepest.cause;
    return failureOf(deepest).message;
  }
}
