import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, sitePair } from './pair.ts';

const MANIFESTS = /\/manifests\//;

/** What each question costs a registry is what a copy of many small images takes: none is asked whose answer is known. */
describe('a first copy of small images', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let source: QuirkProxy;
  let target: QuirkProxy;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2 })]);
    [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
    for (const tag of ['1', '2', '3']) await pushImage(primary.url, 'app', tag, { layers: [2_000], label: tag });
  });

  it('reads each manifest once at the primary, and asks for its tag just before and after it is put', async () => {
    const site = sitePair(source.url, target.url);
    const { published } = await replicate(site, 'app');
    expect(published.map(({ state }) => state)).toEqual(['verified', 'verified', 'verified']);
    expect(source.count('GET', MANIFESTS)).toBe(3);
    expect(source.count('HEAD', MANIFESTS)).toBe(6);
  });

  it('asks once whether the primary lists what refers to an image, however many ask at a time', () => {
    expect(source.count('GET', /\/referrers\//)).toBe(1);
  });

  it('does not ask a secondary that lacks the repository for its blobs, and reads back each that it was given', () => {
    const blobs = target.seen.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/sha256'));
    expect(new Set(blobs.map(({ status }) => status))).toEqual(new Set([206]));
    expect(blobs.length).toBe(target.count('PUT', /\/blobs\/uploads\//));
  });

  it('asks again of a repository that is there, and of a tag that was read a while ago', async () => {
    source.reset();
    target.reset();
    await pushImage(primary.url, 'app', '4', { layers: [3_000], label: '4' });
    const site = sitePair(source.url, target.url);
    await replicate(site, 'app');
    const lacked = target.seen.filter(({ method, path, status }) => method === 'GET' && path.includes('/blobs/sha256') && status === 404);
    expect(lacked.length).toBeGreaterThan(0);
    // What was read once is not believed twice.
    source.reset();
    await replicate(site, 'app', { tags: ['4'] });
    expect(source.count('GET', MANIFESTS)).toBe(1);
  });
});
