import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CONTROL_QUEUE, pauseSiteId, SIGNALS, WORKFLOWS } from '../../model/names.ts';
import { runningRun, withAttributes } from './starting.ts';

/** Whether a site is paused: its workers begin nothing then. */
export async function isPaused(client: Client, site: string): Promise<boolean> {
  return (await runningRun(client, pauseSiteId(site))) !== undefined;
}

/** Pauses a site; one that is paused stays so. */
export async function pauseSite(client: Client, site: string): Promise<void> {
  await withAttributes(client, site, undefined, (attributes) =>
    client.workflow.start(WORKFLOWS.pauseSite, {
      ...attributes,
      workflowId: pauseSiteId(site),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: CONTROL_QUEUE,
      staticSummary: `${site} is paused`,
      staticDetails: `While this runs, the workers of **${site}** begin nothing; what had begun ends. Signal \`resume\`, or cancel it.`,
    }),
  );
}

/** Lets a site go on. @returns false if it was not paused */
export async function resumeSite(client: Client, site: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(pauseSiteId(site)).signal(SIGNALS.resume);
    return true;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return false;
    throw thrown;
  }
}
