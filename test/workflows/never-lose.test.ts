import { expect, it } from '@jest/globals';
import { compared, differing, FIVE, repositoryRuns } from './repository-runs.ts';
import { activityError, workflowWorld } from './world.ts';

const world = workflowWorld();
const { scanned } = repositoryRuns(world);

it('has tags that were kept for long enough taken away, and copies what differs even where that fails', async () => {
  const expired = ['twinport-keep-1', 'twinport-keep-2'];
  const script = {
    compareRepository: async () => compared({ tags: differing('v1'), kept: expired }),
    recordScan: async () => ({ summary: '', verify: [], gone: [], foreign: 0, expired }),
  };
  await world.run(script, () => scanned());
  expect(world.names()).toEqual(['compareRepository', 'recordScan', 'sweepKept', ...FIVE]);
  expect(world.inputs('sweepKept')).toMatchObject([{ tags: expired }]);
  const denied = async () => {
    throw activityError({ code: 'DENIED', message: 'this user may not delete', retry: 'never' });
  };
  const result = await world.run({ ...script, sweepKept: denied }, () => scanned());
  expect(result.work).toMatchObject({ synced: 1, failed: 0 });
});
