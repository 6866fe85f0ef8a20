import { describe, expect, it } from '@jest/globals';
import { bulkQueue, QUERIES, SIGNALS, verifySiteId, WORKFLOWS } from '../../src/model/names.ts';
import type { ImagesToVerifyInput, ImagesToVerifyResult, VerifyProgress, VerifySiteInput } from '../../src/model/steps.ts';
import { POLICY } from '../support/policy.ts';
import { digest, NOTHING_LACKS, until, workflowWorld, type Scripted } from './world.ts';

const world = workflowWorld();
type VerifySite = (input: VerifySiteInput) => Promise<VerifyProgress>;

const start = (input: Partial<VerifySiteInput> = {}) =>
  world.env.client.workflow.start<VerifySite>(WORKFLOWS.verifySite, {
    workflowId: verifySiteId('eu'),
    taskQueue: bulkQueue('eu'),
    args: [{ policy: POLICY, depth: 'shallow', sample: 1, ...input }],
  });

/** Two pages: `app` with two tags, and `web` with one. */
const twoPages = async ({ after }: ImagesToVerifyInput): Promise<ImagesToVerifyResult> =>
  after
    ? { summary: '', batches: [{ repository: 'web', tags: ['v1'] }] }
    : { summary: '', batches: [{ repository: 'app', tags: ['v1', 'v2'] }], next: { repository: 'app', tag: 'v2' } };

const nothingLacks: Partial<Scripted> = {
  imagesToVerify: twoPages,
  enumerateLayers: async () => NOTHING_LACKS,
  publishManifests: async ({ images }) => ({
    summary: '',
    look: Date.now(),
    images: images.map((image) => ({ ...image, state: 'verified' as const, changed: false, bytes: 10 })),
  }),
};

describe('verifySite', () => {
  it('reads back page by page, at the depth that was asked for', async () => {
    const progress = await world.run(nothingLacks, async () => (await start({ depth: 'deep', sample: 0.5 })).result());
    expect(progress).toMatchObject({ state: 'done', depth: 'deep', images: 3, repaired: 0, failed: 0 });
    expect(world.inputs('imagesToVerify')).toEqual([
      { policy: POLICY, limit: 500, sample: 0.5 },
      { policy: POLICY, limit: 500, sample: 0.5, after: { repository: 'app', tag: 'v2' } },
    ]);
    expect(world.inputs('enumerateLayers').map(({ repository, depth }) => [repository, depth])).toEqual([
      ['app', 'deep'],
      ['web', 'deep'],
    ]);
    expect(world.outcomes.map(({ tag, verification }) => [tag, verification])).toEqual([
      ['v1', 'succeeded'],
      ['v2', 'succeeded'],
      ['v1', 'succeeded'],
    ]);
  });

  it('counts what it mended and what it could not', async () => {
    const script: Partial<Scripted> = {
      ...nothingLacks,
      enumerateLayers: async ({ repository, images }) => ({
        summary: '',
        lacking: repository === 'app' ? [{ mediaType: '', digest: digest('b'), size: 10 }] : [],
        incomplete: repository === 'app' ? images.flatMap(({ tag }) => tag ?? []) : [],
        present: 0,
        more: false,
        failures: [],
      }),
      publishManifests: async ({ repository, images }) => ({
        summary: '',
        look: Date.now(),
        images: images.map((image) =>
          repository === 'app'
            ? { ...image, state: 'verified' as const, changed: false, bytes: 10 }
            : {
                ...image,
                state: 'failed' as const,
                changed: false,
                bytes: 0,
                failure: { code: 'DIGEST_MISMATCH' as const, message: 'kept broken', retry: 'later' as const },
              },
        ),
      }),
    };
    const progress = await world.run(script, async () => (await start()).result());
    expect(progress).toMatchObject({ state: 'done', images: 3, repaired: 2, failed: 1 });
    expect(world.outcomes.at(-1)).toMatchObject({ tag: 'v1', sync: 'failed', failure: { message: 'kept broken' } });
  });

  it('pauses and goes on', async () => {
    let page = 0;
    const script: Partial<Scripted> = { ...nothingLacks, imagesToVerify: async (input) => (page++, twoPages(input)) };
    await world.run(script, async () => {
      const handle = await world.env.client.workflow.signalWithStart<VerifySite>(WORKFLOWS.verifySite, {
        workflowId: verifySiteId('eu'),
        taskQueue: bulkQueue('eu'),
        args: [{ policy: POLICY, depth: 'shallow', sample: 1 }],
        signal: SIGNALS.pause,
        signalArgs: [],
      });
      await until(async () => (await handle.query<VerifyProgress>(QUERIES.progress)).state === 'paused');
      expect(page).toBe(0);
      await handle.signal(SIGNALS.resume);
      expect(await handle.result()).toMatchObject({ state: 'done', images: 3 });
    });
  });
});
