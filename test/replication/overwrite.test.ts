import { expect, it } from '@jest/globals';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { sampleDigests } from '../../src/replication/sample-digests.ts';
import type { Digest } from '../../src/model/digest.ts';
import { deleteManifest, pushImage } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, route, sitePair } from './pair.ts';

it('overwrites by itself only what the primary still holds, and a scan more', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const site = sitePair(primary.url, secondary.url);
  const old = await pushImage(primary.url, 'app', 'latest', { label: 'old' });
  await replicate(site, 'app');
  const now = await pushImage(primary.url, 'app', 'latest', { label: 'new' });
  // Its content is there; only the tag is to move.
  await replicate(site, 'app', { tags: [now.digest] });
  const image = { tag: 'latest', digest: now.digest as Digest };
  const publish = async (overwrite?: 'proven' | 'never') => (await publishManifests(route(site, 'app'), [image], [], overwrite)).images;
  const there = async () =>
    (await fetch(`${secondary.url}/v2/app/manifests/latest`, { headers: { accept: now.mediaType } })).headers.get('docker-content-digest');

  expect(await publish('never')).toMatchObject([{ state: 'doubtful', changed: false }]);
  const sample = [old, now].map(({ digest }) => ({ repository: 'app', tag: 'latest', digest: digest as Digest }));
  expect(await sampleDigests(site, sample)).toMatchObject({ sampled: 2, missing: 0 });
  await deleteManifest(primary.url, 'app', old.digest);
  expect(await sampleDigests(site, sample)).toMatchObject({ sampled: 2, missing: 1 });
  expect(await publish('proven')).toMatchObject([{ state: 'doubtful', changed: false }]);
  expect(await there()).toBe(old.digest);
  expect(await publish()).toMatchObject([{ state: 'verified', previous: old.digest }]);
  // What is there already overwrites nothing.
  expect(await publish('never')).toMatchObject([{ state: 'verified', changed: false }]);

  const next = await pushImage(primary.url, 'app', 'latest', { label: 'next' });
  await replicate(site, 'app', { tags: [next.digest] });
  expect(
    (await publishManifests(route(site, 'app'), [{ tag: 'latest', digest: next.digest as Digest }], [], 'proven')).images,
  ).toMatchObject([{ state: 'verified', previous: now.digest }]);
});
