import { expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { publishManifests } from '../../activities/site/publish-manifests.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { PublishManifestsResult } from '../../src/model/steps.ts';
import { deleteManifest, pushImage } from '../support/images.ts';
import { POLICY } from '../support/policy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, sitePair } from '../replication/pair.ts';

it('tells in a later attempt that an earlier one may have put what this one found gone', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const site = sitePair(primary.url, secondary.url);
  const stays = await pushImage(primary.url, 'app', 'stays');
  const gone = await pushImage(primary.url, 'app', 'gone', { label: 'gone' });
  await replicate(site, 'app', { tags: ['stays'] });
  site.manifests.put('app', { ...gone, digest: gone.digest as Digest, size: gone.bytes.length });
  await deleteManifest(primary.url, 'app', gone.digest);
  const images = [
    { tag: 'stays', digest: stays.digest as Digest },
    { tag: 'gone', digest: gone.digest as Digest },
  ];
  const attempt = (number: number): Promise<PublishManifestsResult> =>
    new MockActivityEnvironment({ attempt: number }).run(publishManifests(site), {
      ...{ policy: POLICY, repository: 'app', images, failedBlobs: [] },
    });
  const first = await attempt(1);
  expect(first.images.map(({ tag, state }) => [tag, state])).toEqual([
    ['stays', 'verified'],
    ['gone', 'gone'],
  ]);
  expect(first.images.some((image) => 'put' in image)).toBe(false);
  expect(first).not.toHaveProperty('repeated');
  const second = await attempt(2);
  expect(second).toMatchObject({ repeated: true, images: [{ tag: 'stays' }, { tag: 'gone', put: true }] });
  expect(second.images[0]).not.toHaveProperty('put');
});
