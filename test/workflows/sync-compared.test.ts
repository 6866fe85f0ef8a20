import { describe, expect, it } from '@jest/globals';
import { FIVE, compared, differing, repositoryRuns } from './repository-runs.ts';
import { digest, NOTHING_LACKS, workflowWorld, type Scripted } from './world.ts';

const world = workflowWorld();
const { notice, scanned } = repositoryRuns(world);

describe('a scan that begins with a comparison just made', () => {
  const justNow = async (...names: string[]) => compared({ look: await world.env.currentTimeMs(), tags: differing(...names) });

  it('makes none itself, and asks the primary for nothing that was seen', async () => {
    const result = await world.run({}, async () => scanned({ compared: await justNow('v1') }));
    expect(world.names()).toEqual(['recordScan', ...FIVE.slice(1)]);
    expect(result).toMatchObject({ unsettled: 0, work: { synced: 1 } });
  });

  it('makes one where a notice tells of a change since', async () => {
    await world.run({}, async () => {
      const handle = await notice({ kind: 'compare' }, { mode: 'scan', compared: await justNow('old') });
      await handle.result();
    });
    expect(world.names()).toEqual(['compareRepository', 'recordScan', ...FIVE]);
    expect(world.outcomes.map(({ tag }) => tag)).toEqual(['v1']);
  });

  it('makes one where it is half a minute old', async () => {
    await world.run({}, async () => {
      const { look, ...seen } = await justNow('old');
      return scanned({ compared: { ...seen, look: look - 31_000 } });
    });
    expect(world.names()).toEqual(['compareRepository', 'recordScan', ...FIVE]);
  });

  it('makes one where the ledger has a later one', async () => {
    const recordScan: Scripted['recordScan'] = async ({ ahead }) => ({
      ...{ summary: '', verify: [], gone: [], foreign: 0 },
      ...(ahead ? { late: true } : {}),
    });
    await world.run({ recordScan }, async () => scanned({ compared: await justNow('old') }));
    expect(world.names()).toEqual(['recordScan', 'compareRepository', 'recordScan', ...FIVE]);
    expect(world.outcomes.map(({ tag }) => tag)).toEqual(['v1']);
  });

  it('asks the primary for what is to be read back: it may have been pushed since', async () => {
    const tags = [{ tag: 'v1', digest: digest('a'), same: true }];
    await world.run({ recordScan: async () => ({ summary: '', verify: ['v1'], gone: [], foreign: 0 }) }, async () =>
      scanned({ compared: { ...(await justNow()), tags } }),
    );
    expect(world.names()).toEqual(['recordScan', ...FIVE]);
  });

  const gone = { code: 'NOT_FOUND', message: 'no such manifest', retry: 'never' } as const;
  const isOld = ({ digest: of }: { digest: string }) => of === digest('c');
  it.each<[string, Partial<Scripted>]>([
    [
      'enumerateLayers',
      {
        enumerateLayers: async ({ images }) => ({
          ...NOTHING_LACKS,
          failures: images.filter(isOld).map((image) => ({ ...image, failure: gone })),
        }),
      },
    ],
    [
      'publishManifests',
      {
        publishManifests: async ({ images }) => ({
          ...{ summary: '', look: 5 },
          images: images.map((image) => ({
            ...{ ...image, changed: true, bytes: 1 },
            ...(isOld(image) ? { state: 'failed' as const, failure: gone, put: true } : { state: 'verified' as const }),
          })),
        }),
      },
    ],
  ])('asks for a tag of which %s finds nothing any more: it may have moved since', async (_name, script) => {
    const result = await world.run(script, async () => {
      const seen = await justNow('fine');
      return scanned({ compared: { ...seen, tags: [...seen.tags, { tag: 'moved', digest: digest('c'), same: false }] } });
    });
    expect(world.inputs('fetchManifests').map(({ looks }) => looks.map(({ tag }) => tag))).toEqual([['moved']]);
    expect(world.outcomes.filter(({ sync }) => sync !== 'pending').map(({ tag, sync }) => [tag, sync])).toEqual([
      ['fine', 'synced'],
      ['moved', 'synced'],
    ]);
    expect(result).toMatchObject({ unsettled: 0, work: { synced: 2, failed: 0 } });
  });
});
