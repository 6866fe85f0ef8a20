import type { StartScheduledInput } from '../src/model/steps.ts';
import { control } from './activities.ts';

/** A Schedule's tick. Schedules append a time to their workflows' ids, so the work itself is started under its fixed id from here. */
export async function tick(input: StartScheduledInput): Promise<void> {
  await control.startScheduled(input, { summary: `${input.site}: scheduled ${input.kind}` });
}
