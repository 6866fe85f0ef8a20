import { expect, it } from '@jest/globals';
import { syncImageId, WORKFLOWS, pushQueue } from '../../src/model/names.ts';
import { POLICY } from '../support/policy.ts';
import { compared, differing, FIVE, gone, published, repositoryRuns } from './repository-runs.ts';
import { activityError, digest, workflowWorld } from './world.ts';

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

const sample = [{ repository: 'app', tag: 'other', digest: digest('e') }];
const page = (change: object) => async () => ({ summary: '', verify: [], gone: [], foreign: 0, ...change });

it('moves what a person need not be asked about, and nothing else', async () => {
  const compareRepository = async () => compared({ tags: differing('held', 'moves', 'new') });
  await world.run({ compareRepository, recordScan: page({ moves: ['held', 'moves'], held: ['held'] }) }, () => scanned());
  expect(world.inputs('publishManifests').map(({ images }) => images.map(({ tag }) => tag))).toEqual([['moves', 'new']]);
});

it('asks the primary for what was verified before anything moves, once a scan; where it has regressed only what is new goes over', async () => {
  const pages = [compared({ tags: differing('a', 'new'), next: 'b' }), compared({ tags: differing('c') })];
  const script = (regressed: boolean) => ({
    compareRepository: async () => pages[world.inputs('compareRepository').length - 1]!,
    recordScan: async ({ after }: { after?: string }) => page({ moves: [after === undefined ? 'a' : 'c'], gone: [gone('d')], sample })(),
    sampleDigests: async () => ({ summary: '', sampled: 20, missing: 12 }),
    judgePrimary: async () => ({ summary: '', regressed }),
  });
  await world.run(script(true), () => scanned());
  expect(world.names().slice(0, 4)).toEqual(['compareRepository', 'recordScan', 'sampleDigests', 'judgePrimary']);
  expect(world.inputs('sampleDigests')).toMatchObject([{ sample }]);
  expect(world.inputs('judgePrimary')).toMatchObject([{ sampled: 20, missing: 12 }]);
  expect(world.inputs('publishManifests').map(({ images }) => images.map(({ tag }) => tag))).toEqual([['new']]);
  await world.run(script(false), () => scanned());
  expect(world.inputs('publishManifests').flatMap(({ images }) => images.map(({ tag }) => tag))).toEqual(['a', 'new', 'c']);
  expect(world.inputs('publishManifests').every(({ overwrite }) => overwrite === undefined)).toBe(true);
});

it('leaves a push that would replace what the primary holds no more to a scan', async () => {
  await world.run({ publishManifests: async (input) => published(input, { state: 'doubtful' }) }, () =>
    world.env.client.workflow.execute(WORKFLOWS.syncImage, {
      workflowId: syncImageId('eu', 'app', 'v1'),
      taskQueue: pushQueue('eu'),
      args: [{ policy: POLICY, repository: 'app', tag: 'v1', pending: { tag: 'v1' } }],
    }),
  );
  expect(world.inputs('publishManifests')).toMatchObject([{ overwrite: 'proven' }]);
  expect(world.inputs('startLook')).toMatchObject([{ repository: 'app', looks: [], notices: [{ kind: 'compare' }] }]);
  expect(world.outcomes).toMatchObject([{ tag: 'v1', sync: 'pending' }]);
});

it('overwrites nothing while it reads back: what moved meanwhile is left to a scan', async () => {
  const tags = ['a', 'b'].map((tag) => ({ tag, digest: digest('a'), same: true }));
  const script = {
    compareRepository: async () => compared({ tags: world.inputs('compareRepository').length === 1 ? tags : [] }),
    recordScan: page({ verify: ['a', 'b'] }),
    publishManifests: async (input: Parameters<typeof published>[0]) => published(input, { state: 'doubtful' }),
  };
  const result = await world.run(script, () => scanned());
  expect(world.inputs('publishManifests')).toMatchObject([{ overwrite: 'never', images: [{ tag: 'a' }, { tag: 'b' }] }]);
  expect(world.inputs('startLook')).toHaveLength(1);
  expect(result.unsettled).toBe(0);
});
