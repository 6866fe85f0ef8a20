import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { CONTROL_QUEUE, tickId, WORKFLOWS } from '../../model/names.ts';
import type { StartScheduledInput } from '../../model/steps.ts';

/** What is scheduled for a site. */
export interface Scheduled {
  readonly site: string;
  readonly everyMs: number;
}

/** Makes, or brings up to date, one Temporal Schedule a site for its backfill. */
export async function ensureSchedules(client: Client, sites: readonly Scheduled[]): Promise<void> {
  await Promise.all(sites.map((site) => ensureSchedule(client, site)));
}

async function ensureSchedule(client: Client, { site, everyMs }: Scheduled): Promise<void> {
  const id = tickId(site, 'backfill');
  const spec = { intervals: [{ every: everyMs }] };
  const args: [StartScheduledInput] = [{ site, kind: 'backfill' }];
  try {
    await client.schedule.create({
      scheduleId: id,
      spec,
      action: { type: 'startWorkflow', workflowType: WORKFLOWS.tick, workflowId: id, taskQueue: CONTROL_QUEUE, args },
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
    });
  } catch (thrown) {
    if (!(thrown instanceof ScheduleAlreadyRunning)) throw thrown;
    await client.schedule.getHandle(id).update((previous) => ({ ...previous, spec }));
  }
}
