import { expect, it } from '@jest/globals';
import { fetchManifests } from '../../src/replication/fetch-manifests.ts';
import { enumerateLayers } from '../../src/replication/enumerate-layers.ts';
import type { Digest } from '../../src/model/digest.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { POLICY } from '../support/policy.ts';
import { route, sitePair } from './pair.ts';

/* An image's failure that says CANCELLED is one that no retry mends: a worker's stop must end the attempt instead, so that another goes on. */
it('ends with its signal, and does not call what it was looking at failed', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2 })]);
  const { digest } = await pushImage(primary.url, 'app', 'v1');
  const source = await quirkProxy(primary.url);
  source.rules.push({ delayMs: 400 });
  const stopped = (): AbortSignal => AbortSignal.timeout(100);
  const way = (signal: AbortSignal) => route(sitePair(source.url, secondary.url), 'app', POLICY, signal);
  await expect(fetchManifests(way(stopped()), [{ tag: 'v1' }], false)).rejects.toBeDefined();
  await expect(enumerateLayers(way(stopped()), [{ tag: 'v1', digest: digest as Digest }], 'shallow')).rejects.toBeDefined();
});
