import { beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { fetchManifests } from '../../src/replication/fetch-manifests.ts';
import { pushCosign, pushImage, pushIndex, pushManifest, pushNestedIndex, pushReferrer } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk } from '../support/walk.ts';
import { POLICY } from '../support/policy.ts';
import { lookedAtAgain, replicate, route, sitePair } from './pair.ts';

const VERSIONS = [
  [2, 2],
  [2, 3],
  [3, 2],
  [3, 3],
] as const;

describe.each(VERSIONS)('from Distribution %i to Distribution %i', (from, to) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: from }), testRegistry({ version: to })]);
  });

  it('brings over every format digest-identical, and finds nothing to do the second time', async () => {
    const { url } = primary;
    const image = await pushImage(url, 'app', 'v1', { layers: [1_000, 200_000] });
    await pushImage(url, 'app', 'docker', { mediaType: 'docker' });
    const index = await pushIndex(url, 'app', 'multi');
    await pushIndex(url, 'app', 'multi-docker', { mediaType: 'docker' });
    await pushNestedIndex(url, 'app', 'nested');
    await pushReferrer(url, 'app', image);
    await pushReferrer(url, 'app', index, { artifactType: 'application/vnd.example.signature' });
    await pushCosign(url, 'app', image);

    const site = sitePair(url, secondary.url);
    const first = await replicate(site, 'app', { mayFail: true });
    expect(first.failures).toEqual([]);
    expect(first.published.filter(({ state }) => state !== 'verified').length).toBeLessThanOrEqual(2);
    const published = await lookedAtAgain(first, (tags) => replicate(site, 'app', { tags }));
    expect(published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(difference(await walk(url), await walk(secondary.url))).toEqual([]);

    const again = await replicate(sitePair(url, secondary.url), 'app');
    expect(again.copied).toBeUndefined();
    expect(again.published.filter(({ changed, state }) => changed || state !== 'verified')).toEqual([]);
    for (const version of [from, to]) cell(`distribution-${version}`, 'copy');
  });

  it('mounts a blob that another repository of the secondary holds', async () => {
    const layers = [{ seed: 'shared', size: 300_000 }];
    await pushImage(primary.url, 'team/one', 'v1', { layers });
    await pushImage(primary.url, 'team/two', 'v1', { layers, label: 'two' });
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'team/one');
    const second = await replicate(site, 'team/two');
    expect(second.copied?.mounted).toBe(1);
    expect(second.copied?.bytes).toBeLessThan(300_000);
    expect(
      difference(await walk(primary.url, { repositories: ['team/two'] }), await walk(secondary.url, { repositories: ['team/two'] })),
    ).toEqual([]);
  });

  it('fetches a blob once when two repositories want it at the same time', async () => {
    const layers = [{ seed: 'wanted by two', size: 2_000_000 }];
    await pushImage(primary.url, 'race/one', 'v1', { layers });
    await pushImage(primary.url, 'race/two', 'v1', { layers, label: 'two' });
    const site = sitePair(primary.url, secondary.url);
    const [one, two] = await Promise.all([replicate(site, 'race/one'), replicate(site, 'race/two')]);
    expect((one.copied?.mounted ?? 0) + (two.copied?.mounted ?? 0)).toBe(1);
    expect(site.primary.counters.bytesReceived).toBeLessThan(2_500_000);
  });

  it('uses the mapped name at the secondary', async () => {
    await pushImage(primary.url, 'mapped', 'v1');
    const policy = { ...POLICY, path: 'mirror/{repository}' };
    await replicate(sitePair(primary.url, secondary.url), 'mapped', { policy });
    const [there, here] = [
      await walk(primary.url, { repositories: ['mapped'] }),
      await walk(secondary.url, { repositories: ['mirror/mapped'] }),
    ];
    expect(here.tags['mirror/mapped']).toEqual(there.tags['mapped']);
  });
});

describe('presence', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    primary = await testRegistry({ version: 2 });
    secondary = await testRegistry({ version: 2, descriptorCache: true });
  });

  it('is not believed of a descriptor cache: a blob whose bytes are gone is found and sent again', async () => {
    const image = await pushImage(primary.url, 'app', 'v1', { layers: [50_000] });
    await replicate(sitePair(primary.url, secondary.url), 'app');
    const layer = image.layers[0]?.digest ?? '';
    await removeBlobFile(secondary, layer);
    // The registry still says that it has it.
    const head = await fetch(`${secondary.url}/v2/app/blobs/${layer}`, { method: 'HEAD' });
    expect(head.status).toBe(200);

    const mended = await replicate(sitePair(primary.url, secondary.url), 'app');
    expect(mended.copied).toMatchObject({ copied: 1, bytes: 50_000 });
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
  });

  it('is not believed of a mount either', async () => {
    const layers = [{ seed: 'gone', size: 40_000 }];
    await pushImage(primary.url, 'from', 'v1', { layers });
    const image = await pushImage(primary.url, 'to', 'v1', { layers, label: 'to' });
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'from');
    await removeBlobFile(secondary, image.layers[0]?.digest ?? '');
    const second = await replicate(site, 'to');
    expect(second.copied?.mounted).toBe(0);
    expect(difference(await walk(primary.url, { repositories: ['to'] }), await walk(secondary.url, { repositories: ['to'] }))).toEqual([]);
  });
});

describe('looks', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  });

  it('waits for a tag that its event overtook', async () => {
    const old = await pushImage(primary.url, 'early', 'latest', { label: 'old' });
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'early');
    const layers = [{ seed: 'new', size: 100 }];
    const next = await pushImage(primary.url, 'early', 'next', { label: 'new', layers });
    const looking = fetchManifests(route(site, 'early'), [{ tag: 'latest', digest: next.digest as never }], false);
    setTimeout(() => void pushManifest(primary.url, 'early', 'latest', next.bytes, next.mediaType), 150);
    const seen = await looking;
    expect(seen.images[0]).toMatchObject({ digest: next.digest });
    expect(seen.images[0]?.unexpected).toBeUndefined();
    expect(old.digest).not.toBe(next.digest);
  });

  it('says so when the tag never becomes what the event said', async () => {
    const held = await pushImage(primary.url, 'overtaken', 'latest', { label: 'held' });
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'overtaken');
    const seen = await fetchManifests(route(site, 'overtaken'), [{ tag: 'latest', digest: `sha256:${'0'.repeat(64)}` }], false);
    expect(seen.images[0]).toMatchObject({ digest: held.digest, unexpected: true });
  });

  it('takes a digest that the secondary does not hold as newer than the event, without waiting', async () => {
    const newer = await pushImage(primary.url, 'newer', 'latest');
    const proxy = await quirkProxy(primary.url);
    const seen = await fetchManifests(
      route(sitePair(proxy.url, secondary.url), 'newer'),
      [{ tag: 'latest', digest: `sha256:${'0'.repeat(64)}` }],
      false,
    );
    expect(seen.images[0]).toMatchObject({ digest: newer.digest, unexpected: true });
    // Each look again would ask for it again.
    expect(proxy.count('GET', /\/manifests\/latest/)).toBe(1);
  });

  it('finds signatures and fallback indexes that accompany an image', async () => {
    const image = await pushImage(primary.url, 'signed', 'v1');
    await pushCosign(primary.url, 'signed', image);
    await pushReferrer(primary.url, 'signed', image);
    const seen = await fetchManifests(route(sitePair(primary.url, secondary.url), 'signed'), [{ tag: 'v1' }], true);
    const base = image.digest.replace(':', '-');
    expect(seen.images.map(({ tag }) => tag).sort()).toEqual([base, `${base}.sig`, 'v1'].sort());
  });
});

describe('windows', () => {
  it('compares a repository page by page, and finds what only the secondary has', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3 })]);
    for (const tag of ['a', 'b', 'c', 'd', 'e']) await pushImage(primary.url, 'app', tag);
    await pushImage(secondary.url, 'app', 'bb');
    await pushImage(secondary.url, 'app', 'zz');
    const way = route(sitePair(primary.url, secondary.url), 'app');
    const first = await compareRepository(way, POLICY, undefined, 2);
    const second = await compareRepository(way, POLICY, first.next, 2);
    const third = await compareRepository(way, POLICY, second.next, 2);
    expect([first, second, third].map((page) => page.tags.map(({ tag }) => tag))).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect([first, second, third].map((page) => page.extra)).toEqual([[], ['bb'], ['zz']]);
    expect(third.next).toBeUndefined();
  });
});

async function removeBlobFile(registry: EmbeddedRegistry, digest: string): Promise<void> {
  const hex = digest.slice('sha256:'.length);
  const blobs = join(registry.dir, 'data', 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  await rm(blobs, { force: false });
}
