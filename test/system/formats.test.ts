import { expect, it } from '@jest/globals';
import { pushCacheIndex, pushForeign, pushSchema1 } from '../support/formats.ts';
import { pushImage } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';

it('says in words what a secondary does not take, at once and for good, and brings the rest', async () => {
  const validation = { manifests: { indexes: { platforms: 'all' }, urls: { allow: ['^https://never'] } } };
  const [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3, extra: { validation } })]);
  await pushSchema1(primary.url, 'app', 'schema1');
  await pushCacheIndex(primary.url, 'app', 'cache');
  await pushForeign(primary.url, 'app', 'foreign', { urls: ['https://example.com/layer'] });
  for (const tag of ['v1', 'v2', 'v3']) await pushImage(primary.url, 'app', tag);
  const synced = await twinport(['sync', '--primary', primary.url, '--secondary', secondary.url, '--json'], await workFolder());
  expect(synced.code).toBe(1);
  expect(synced.json).toMatchObject({ images: 6, synced: 3, verified: 3, failed: 3, pending: 0 });
  expect(synced.stderr).toMatch(/app:schema1: .*the secondary does not take Docker schema 1/);
  expect(synced.stderr).toMatch(/app:cache: .*validation\.manifests\.indexes\.platforms: none/);
  expect(synced.stderr).toMatch(/app:foreign: .*validation\.manifests\.urls\.allow/);
});
