import { expect, it } from '@jest/globals';
import { CONTROL_QUEUE, pauseSiteId, SIGNALS, WORKFLOWS } from '../../src/model/names.ts';
import { ended, workflowWorld } from './world.ts';

const world = workflowWorld();

it.each(['resume', 'cancel'] as const)('pauseSite lasts until %s', async (how) => {
  await world.run({}, async () => {
    const handle = await world.env.client.workflow.start(WORKFLOWS.pauseSite, { workflowId: pauseSiteId('eu'), taskQueue: CONTROL_QUEUE });
    await world.env.sleep('30 days');
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await (how === 'resume' ? handle.signal(SIGNALS.resume) : handle.cancel());
    await ended(handle);
    expect((await handle.describe()).status.name).toBe(how === 'resume' ? 'COMPLETED' : 'CANCELLED');
    expect(world.calls).toEqual([]);
  });
});
