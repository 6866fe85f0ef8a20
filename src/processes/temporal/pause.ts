import { setTimeout as sleep } from 'node:timers/promises';
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

/** A pause that takes its signal ends at once; where no worker of the control side is there, this says so all the same. */
const RESUMED_MS = 3_000;
const LOOK_MS = 50;

/** Lets a site go on, and waits a while for its pause to be over, so that nobody sees it afterwards. @returns false if it was not paused */
export async function resumeSite(client: Client, site: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(pauseSiteId(site)).signal(SIGNALS.resume);
    for (const until = Date.now() + RESUMED_MS; Date.now() < until && (await isPaused(client, site).catch(() => false));)
      await sleep(LOOK_MS);
    return true;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return false;
    throw thrown;
  }
}
