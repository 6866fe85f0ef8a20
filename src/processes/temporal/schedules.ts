import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { CONTROL_QUEUE, tickId, WORKFLOWS } from '../../model/names.ts';
import type { StartScheduledInput } from '../../model/steps.ts';

/** What is scheduled for a site, and how often, in milliseconds. */
export interface Scheduled {
  readonly site: string;
  readonly kind: StartScheduledInput['kind'];
  readonly everyMs: number;
}

/** Makes, or brings up to date, the Temporal Schedules: two a site, for its backfill and for its verification. */
export async function ensureSchedules(client: Client, scheduled: readonly Scheduled[]): Promise<void> {
  await Promise.all(scheduled.map((one) => ensureSchedule(client, one)));
}

async function ensureSchedule(client: Client, { site, kind, everyMs }: Scheduled): Promise<void> {
  const id = tickId(site, kind);
  const spec = { intervals: [{ every: everyMs }] };
  const args: [StartScheduledInput] = [{ site, kind }];
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
