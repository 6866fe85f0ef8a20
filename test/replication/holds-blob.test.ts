import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, sitePair } from './pair.ts';
import { contentFile } from './storage.ts';

/* Distribution does not replace a file that it has, however broken: an upload of the same blob succeeds and is thrown away. */
describe.each([2, 3] as const)('a blob that lies broken at Distribution %i', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version })]);
  });

  it('cut short: is not called verified because it was uploaded again', async () => {
    const image = await pushImage(primary.url, 'short', 'v1', { layers: [50_000] });
    const layer = String(image.layers[0]?.digest);
    await replicate(sitePair(primary.url, secondary.url), 'short');
    await truncate(contentFile(secondary, layer), 100);
    const again = await replicate(sitePair(primary.url, secondary.url), 'short');
    expect(again.published).toMatchObject([{ state: 'failed', failure: { code: 'DIGEST_MISMATCH', retry: 'later' } }]);
    expect(again.published[0]?.failure?.message).toContain('storage');
  });

  it('altered: is not called verified by a deep reading because it was uploaded again', async () => {
    const image = await pushImage(primary.url, 'altered', 'v1', { layers: [50_000] });
    await pushImage(primary.url, 'altered', 'sound');
    await replicate(sitePair(primary.url, secondary.url), 'altered');
    await writeFile(contentFile(secondary, String(image.layers[0]?.digest)), randomBytes(50_000));
    const again = await replicate(sitePair(primary.url, secondary.url), 'altered', { depth: 'deep' });
    expect(again.published.map(({ tag, state }) => [tag, state]).sort()).toEqual([
      ['sound', 'verified'],
      ['v1', 'failed'],
    ]);
  });

  it('unreadable in the middle: fails its own image by a deep reading, and no other', async () => {
    const image = await pushImage(primary.url, 'middle', 'v1', { layers: [300_000] });
    await pushImage(primary.url, 'middle', 'sound');
    await replicate(sitePair(primary.url, secondary.url), 'middle');
    const target = await quirkProxy(secondary.url);
    const whole = { method: 'GET', path: new RegExp(String(image.layers[0]?.digest)) };
    target.rules.push({ ...whole, when: ({ headers }) => headers.range === undefined, cutResponseAfter: 100_000 });
    const again = await replicate(sitePair(primary.url, target.url), 'middle', { depth: 'deep' });
    expect(again.published.map(({ tag, state }) => [tag, state]).sort()).toEqual([
      ['sound', 'verified'],
      ['v1', 'failed'],
    ]);
  });
});
