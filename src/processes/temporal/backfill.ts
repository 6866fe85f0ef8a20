import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { backfillSiteId, bulkQueue, QUERIES, SIGNALS, WORKFLOWS } from '../../model/names.ts';
import type { BackfillProgress, BackfillSiteInput } from '../../model/steps.ts';
import { runningRun, withAttributes, type StartedRun } from './starting.ts';

type BackfillSite = (input: BackfillSiteInput) => Promise<BackfillProgress>;

/** Starts a site's backfill under its fixed id, or joins the running one. */
export async function startBackfill(client: Client, input: BackfillSiteInput): Promise<StartedRun> {
  const { site } = input.policy;
  const workflowId = backfillSiteId(site);
  const running = await runningRun(client, workflowId);
  const handle = await withAttributes(client, site, undefined, (attributes) =>
    client.workflow.start<BackfillSite>(WORKFLOWS.backfillSite, {
      ...attributes,
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: bulkQueue(site),
      args: [input],
      staticSummary: `${site}: all repositories`,
      staticDetails: `Pages through the primary's catalog and makes every repository at **${site}** equal to it. Signals \`pause\` and \`resume\`; query \`progress\`.`,
    }),
  );
  return { workflowId, runId: handle.firstExecutionRunId, joined: running === handle.firstExecutionRunId };
}

/** Starts a site's backfill, or has the running one followed by another: that one may have passed what is to be looked at. */
export async function askForBackfill(client: Client, input: BackfillSiteInput): Promise<StartedRun> {
  const run = await startBackfill(client, input);
  if (!run.joined) return run;
  try {
    await client.workflow.getHandle(run.workflowId).signal(SIGNALS.again, input);
    return run;
  } catch (thrown) {
    // It has ended meanwhile.
    if (thrown instanceof WorkflowNotFoundError) return startBackfill(client, input);
    throw thrown;
  }
}

/** The progress of a site's latest backfill, running or ended; `undefined` if there was none or no worker answers. */
export async function backfillProgress(client: Client, site: string): Promise<BackfillProgress | undefined> {
  try {
    return await client.workflow.getHandle(backfillSiteId(site)).query<BackfillProgress>(QUERIES.progress);
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return undefined;
    throw thrown;
  }
}

/** Waits for the end of a site's backfill. */
export async function awaitBackfill(client: Client, site: string, runId?: string): Promise<BackfillProgress> {
  return client.workflow
    .getHandle<BackfillSite>(backfillSiteId(site), undefined, runId === undefined ? {} : { firstExecutionRunId: runId })
    .result();
}

export async function signalBackfill(client: Client, site: string, signal: 'pause' | 'resume'): Promise<void> {
  await client.workflow.getHandle(backfillSiteId(site)).signal(SIGNALS[signal]);
}

export async function cancelBackfill(client: Client, site: string): Promise<void> {
  await client.workflow.getHandle(backfillSiteId(site)).cancel();
}
