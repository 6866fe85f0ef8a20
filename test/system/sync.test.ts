import { beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { processesOf, startTwinport, twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';
import { fillPrimary } from './content.ts';

describe.each([
  [2, 3],
  [3, 2],
] as const)('twinport sync from Distribution %i to %i', (from, to) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: from }), testRegistry({ version: to })]);
    await fillPrimary(primary.url);
  });

  it('needs two URLs, leaves both sides equal and nothing running, has nothing to do the second time, and rebuilds a lost ledger', async () => {
    const folder = await workFolder();
    const urls = ['sync', '--primary', primary.url, '--secondary', secondary.url, '--json'];
    const first = await twinport(urls, folder);
    expect(first.stderr).not.toMatch(/warning|error/i);
    expect(first.code).toBe(0);
    const tags = Object.values((await walk(primary.url)).tags).flatMap((repository) => Object.keys(repository)).length;
    expect(first.json).toMatchObject({ images: tags, synced: tags, verified: tags, failed: 0, pending: 0 });
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
    await nothingRuns(folder);

    const second = await twinport([...urls, '--verify', 'shallow'], folder);
    expect(second.code).toBe(0);
    expect(second.json).toMatchObject({ images: tags, verified: tags, bytesCopied: 0, blobsCopied: 0, blobsMounted: 0, repaired: 0 });

    await nothingRuns(folder);
    await rm(join(folder, '.twinport'), { recursive: true });
    const third = await twinport(urls, folder);
    expect(third.json).toMatchObject({ images: tags, verified: tags, bytesCopied: 0 });
  });
});

describe('twinport sync', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2, descriptorCache: true })]);
  });

  it('finds a blob whose bytes are gone behind a descriptor cache, and sends it again', async () => {
    const image = await pushImage(primary.url, 'cached', 'v1', { layers: [60_000] });
    const folder = await workFolder();
    const urls = ['sync', '--primary', primary.url, '--secondary', secondary.url, '--include', 'cached', '--json'];
    expect((await twinport(urls, folder)).code).toBe(0);
    const hex = image.layers[0]?.digest.slice('sha256:'.length) ?? '';
    await rm(join(secondary.dir, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'));
    const mended = await twinport([...urls, '--verify', 'shallow'], folder);
    expect(mended.code).toBe(0);
    expect(mended.json).toMatchObject({ repaired: 1, blobsCopied: 1, bytesCopied: 60_000 });
    const only = { repositories: ['cached'] };
    expect(difference(await walk(primary.url, only), await walk(secondary.url, only))).toEqual([]);
  });

  it('says which side cannot be reached, and exits 3', async () => {
    const folder = await workFolder();
    const ended = await twinport(['sync', '--primary', 'http://127.0.0.1:1', '--secondary', secondary.url, '--json'], folder);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/primary/);
    await nothingRuns(folder);
  });

  it('records an image that the primary cannot serve as failed, brings over its neighbours, and exits 1', async () => {
    const broken = await pushImage(primary.url, 'partial', 'broken', { layers: [30_000] });
    await pushImage(primary.url, 'partial', 'whole', { layers: [30_001] });
    const hex = broken.layers[0]?.digest.slice('sha256:'.length) ?? '';
    await rm(join(primary.dir, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'));
    const folder = await workFolder();
    const ended = await twinport(
      ['sync', '--primary', primary.url, '--secondary', secondary.url, '--include', 'partial', '--json'],
      folder,
    );
    expect(ended.code).toBe(1);
    expect(ended.json).toMatchObject({ images: 2, synced: 1, verified: 1, failed: 1 });
    expect((await walk(secondary.url, { repositories: ['partial'] })).tags['partial']).toEqual({ whole: expect.any(String) });
  });

  it('goes on after kill -9, and leaves no server of the killed one behind', async () => {
    const proxy = await quirkProxy(primary.url, { rules: [{ method: 'GET', path: /\/blobs\//, bytesPerSecond: 1_000_000 }] });
    for (const n of [1, 2, 3]) await pushImage(primary.url, 'killed', `v${n}`, { layers: [{ seed: `killed ${n}`, size: 3_000_000 }] });
    const folder = await workFolder();
    const urls = ['sync', '--primary', proxy.url, '--secondary', secondary.url, '--include', 'killed', '--json'];
    const first = startTwinport(urls, folder);
    await eventually(
      async () => proxy.bytes('received', 'GET', /\/blobs\//),
      (bytes) => bytes > 500_000,
    );
    first.kill('SIGKILL');
    await first.ended;
    await nothingRuns(folder);
    proxy.reset();
    const second = await twinport(urls, folder);
    expect(second.code).toBe(0);
    expect(second.json).toMatchObject({ images: 3, verified: 3 });
    const only = { repositories: ['killed'] };
    expect(difference(await walk(primary.url, only), await walk(secondary.url, only))).toEqual([]);
  });

  it('joins a run on the same data directory, and says so', async () => {
    const proxy = await quirkProxy(primary.url, { rules: [{ method: 'GET', path: /\/blobs\//, bytesPerSecond: 1_500_000 }] });
    await pushImage(primary.url, 'joined', 'v1', { layers: [{ seed: 'joined', size: 6_000_000 }] });
    const folder = await workFolder();
    const urls = ['sync', '--primary', proxy.url, '--secondary', secondary.url, '--include', 'joined', '--json'];
    const both = await Promise.all([twinport(urls, folder), twinport(urls, folder)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    // Whoever comes first does it.
    expect(both.filter(({ stderr }) => stderr.includes('it does the work'))).toHaveLength(1);
    for (const { json } of both) expect(json).toMatchObject({ images: 1, verified: 1 });
    expect(proxy.bytes('received', 'GET', /\/blobs\//)).toBeLessThan(6_500_000);
  });
});

/** Embedded servers end within 5 s of the process that started them. */
async function nothingRuns(folder: string): Promise<void> {
  await eventually(
    () => processesOf(folder),
    (left) => left.length === 0,
    20_000,
  );
}
