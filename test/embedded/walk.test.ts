import { describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteManifest, pushCosign, pushImage, pushIndex, pushNestedIndex, pushReferrer } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk } from '../support/walk.ts';

async function fill(url: string): Promise<void> {
  const image = await pushImage(url, 'group/app', 'v1', { layers: [1000, { seed: 'shared', size: 70_000 }] });
  await pushImage(url, 'group/docker', 'v1', { mediaType: 'docker' });
  await pushIndex(url, 'group/multi', 'v1', { platforms: 3 });
  await pushIndex(url, 'group/docker', 'list', { mediaType: 'docker' });
  await pushNestedIndex(url, 'group/multi', 'nested');
  await pushReferrer(url, 'group/app', image);
  await pushReferrer(url, 'group/app', image, { artifactType: 'application/vnd.example.signature' });
  await pushCosign(url, 'group/app', image);
}

describe('the tests’ own walk', () => {
  it('finds the same content equal on both versions, and every kind of difference', async () => {
    const [a, b] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3 })]);
    await Promise.all([fill(a.url), fill(b.url)]);
    const [held, same] = await Promise.all([walk(a.url), walk(b.url)]);
    expect(held.problems).toEqual([]);
    expect(difference(held, same)).toEqual([]);
    expect(Object.keys(held.tags['group/app'] ?? {})).toEqual([
      expect.stringMatching(/^sha256-\w{64}$/),
      expect.stringMatching(/\.sig$/),
      'v1',
    ]);
    expect(Object.keys(held.manifests)).toHaveLength(5 + 4 + 4 + 5);
    expect(await walk(a.url, { blobs: 'head' })).toEqual(held);

    await pushImage(b.url, 'group/app', 'v1', { label: 'other' });
    await pushImage(b.url, 'group/more', 'v1');
    expect(difference(held, await walk(b.url)).join('\n')).toMatch(
      /^tag group\/app:v1: sha256:.* in the first, sha256:.*tag group\/more:v1: absent in the first/s,
    );
  });

  it('sees a blob whose bytes are gone or wrong, and a missing child', async () => {
    const { url, dir } = await testRegistry({ version: 3 });
    const image = await pushImage(url, 'a', 'v1', { layers: [1000] });
    const index = await pushIndex(url, 'b', 'v1');
    await deleteManifest(url, 'b', index.children[0]?.digest ?? '');
    const hex = image.layers[0]?.digest.slice(7) ?? '';
    await rm(join(dir, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), { recursive: true });
    const { problems } = await walk(url);
    expect(problems).toEqual([expect.stringMatching(/^blob a@sha256:.*404/), expect.stringMatching(/^b sha256:.*404/)]);
  });
});
