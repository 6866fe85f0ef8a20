import { describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import type { PlannedDeletion } from '../../src/model/steps.ts';
import { deleteTags } from '../../src/replication/delete-tags.ts';
import { deleteManifest, pushImage, pushIndex, pushManifest } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, route, sitePair } from './pair.ts';

describe('a registry that deletes by digest only', () => {
  it('loses a digest whose tags all go together, and none that another tag needs', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2 })]);
    const image = await pushImage(primary.url, 'app', 'v1');
    await pushManifest(primary.url, 'app', 'latest', image.bytes, image.mediaType);
    const child = await pushImage(primary.url, 'app', 'child');
    await pushIndex(primary.url, 'app', 'multi', { children: [child] });
    const control = await pushImage(primary.url, 'app', 'keep');
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'app');
    await deleteManifest(primary.url, 'app', image.digest);
    await deleteManifest(primary.url, 'app', child.digest);

    const planned = (tag: string, digest: string): PlannedDeletion => ({ id: tag, tag, digest: digest as Digest });
    const controls = [{ repository: 'app', tag: 'keep', digest: control.digest as Digest }];
    // `latest` alone may not go: `v1` is not among what may be deleted.
    const alone = await deleteTags(route(site, 'app'), [planned('latest', image.digest)], controls);
    expect(alone.outcomes).toMatchObject([{ result: 'held' }]);

    const wanted = [planned('latest', image.digest), planned('v1', image.digest), planned('child', child.digest)];
    const { outcomes } = await deleteTags(route(site, 'app'), wanted, controls);
    expect(outcomes.map(({ tag, result }) => [tag, result])).toEqual([
      ['latest', 'deleted'],
      ['v1', 'absent'],
      ['child', 'held'],
    ]);
  });
});
