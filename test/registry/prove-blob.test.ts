import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../src/model/digest.ts';
import { headBlob, proveBlob } from '../../src/registry/blobs.ts';
import { mountBlob } from '../../src/registry/uploads.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushBlob, randomBytes } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { failureOf, testSession } from './support/sessions.ts';

describe.each([
  [2, true],
  [2, false],
  [3, true],
  [3, false],
] as const)('proveBlob on Distribution %i, descriptor cache: %s', (version, descriptorCache) => {
  let registry: EmbeddedRegistry;
  beforeAll(async () => {
    registry = await testRegistry({ version, descriptorCache });
  });

  const push = async (seed: string, size = 5000) => {
    const pushed = await pushBlob(registry.url, 'p/a', randomBytes(`${seed}${descriptorCache}`, size), 'x');
    const hex = pushed.digest.slice('sha256:'.length);
    const file = join(registry.dir, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    expect(existsSync(file)).toBe(true);
    return { blob: { ...pushed, digest: pushed.digest as Digest }, file };
  };

  it('is not deceived where the bytes are gone, though HEAD and a mount may succeed', async () => {
    const session = testSession(registry.url);
    const { blob, file } = await push('gone');
    expect(await proveBlob(session, 'p/a', blob)).toBe(true);
    await rm(file);
    if (descriptorCache && version === 2) {
      expect(await headBlob(session, 'p/a', blob.digest)).toBeDefined();
      expect(await mountBlob(session, 'p/b', blob.digest, 'p/a')).toBe('mounted');
    }
    expect(await proveBlob(session, 'p/a', blob)).toBe(false);
  });

  it('is not deceived by a file that was cut short, or emptied', async () => {
    const session = testSession(registry.url);
    for (const left of [4999, 1, 0]) {
      const { blob, file } = await push(`cut${left}`);
      await truncate(file, left);
      expect(await proveBlob(session, 'p/a', blob)).toBe(false);
    }
  });

  it('proves an empty blob, and one of one byte', async () => {
    const session = testSession(registry.url);
    expect(await proveBlob(session, 'p/a', (await push('e', 0)).blob)).toBe(true);
    expect(await proveBlob(session, 'p/a', (await push('o', 1)).blob)).toBe(true);
  });

  it('proves through a registry that does not obey ranges, without reading a large blob', async () => {
    const proxy = await quirkProxy(registry.url, { rules: [{ path: /blobs/, when: (request) => delete request.headers.range }] });
    const session = testSession(proxy.url);
    const { blob } = await push('large', 20_000_000);
    expect(await proveBlob(session, 'p/a', blob)).toBe(true);
    expect(await proveBlob(session, 'p/a', { ...blob, size: blob.size + 1 })).toBe(false);
    expect(session.counters.bytesReceived).toBeLessThan(4_000_000);
  });

  it('claims nothing where the registry is in trouble', async () => {
    const { blob } = await push('trouble');
    const proxy = await quirkProxy(registry.url, { rules: [{ path: /blobs/, answer: { status: 503 } }] });
    expect(await failureOf(proveBlob(testSession(proxy.url), 'p/a', blob))).toMatchObject({ code: 'UNAVAILABLE' });
  });
});
