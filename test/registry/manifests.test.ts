import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../src/model/digest.ts';
import { headBlob } from '../../src/registry/blobs.ts';
import { getManifest, headManifest, putManifest } from '../../src/registry/manifests.ts';
import { pushImage, type PushedImage } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { failureOf, testSession } from './support/sessions.ts';

describe('answers of careless registries', () => {
  let proxy: QuirkProxy;
  let image: PushedImage;
  let digest: Digest;

  beforeAll(async () => {
    const { url } = await testRegistry({ version: 3 });
    image = await pushImage(url, 'a/b', 'v1');
    digest = image.layers[0]?.digest as Digest;
    proxy = await quirkProxy(url);
  });
  beforeEach(() => proxy.reset());
  const open = () => testSession(proxy.url);

  describe('manifests', () => {
    it('are hashed and measured where the registry leaves out the digest, the size or the type', async () => {
      for (const dropHeaders of [['docker-content-digest'], ['content-type'], ['content-length']]) {
        proxy.rules.splice(0, 1, { dropHeaders });
        expect(await headManifest(open(), 'a/b', 'v1')).toEqual({ mediaType: image.mediaType, digest: image.digest, size: image.size });
      }
    });

    it('that are not what their digest says are refused: DIGEST_MISMATCH', async () => {
      proxy.rules.push({
        method: 'GET',
        body: (served) => served.toString().replace('linux', 'linus').replace('"schemaVersion":2', '"schemaVersion": 2'),
      });
      for (const reference of ['v1', image.digest]) {
        expect(await failureOf(getManifest(open(), 'a/b', reference))).toMatchObject({ code: 'DIGEST_MISMATCH', retry: 'later' });
      }
      // A header may lie as well: asked by digest, it is not what counts.
      proxy.rules.splice(0, 1, { setHeaders: { 'docker-content-digest': digest } });
      expect(await getManifest(open(), 'a/b', image.digest)).toMatchObject({ digest: image.digest });
      expect(await headManifest(open(), 'a/b', image.digest)).toMatchObject({ digest: image.digest });
    });

    it('stored as something else are noticed: DIGEST_MISMATCH', async () => {
      proxy.rules.push({ method: 'PUT', setHeaders: { 'docker-content-digest': digest } });
      const manifest = { mediaType: image.mediaType, digest: image.digest as Digest, size: image.size, bytes: image.bytes };
      expect(await failureOf(putManifest(open(), 'a/b', 'v9', manifest))).toMatchObject({ code: 'DIGEST_MISMATCH' });
    });

    it('over 8 MiB, and what is no manifest, are refused', async () => {
      proxy.rules.push({ method: 'GET', body: () => Buffer.alloc(9 * 1024 * 1024, 32) });
      expect(await failureOf(getManifest(open(), 'a/b', 'v1'))).toMatchObject({ code: 'TOO_LARGE' });
      proxy.rules.splice(0, 1, { method: 'GET', setHeaders: { 'content-type': 'text/html' }, body: () => '<html>' });
      expect(await failureOf(getManifest(open(), 'a/b', 'v1'))).toMatchObject({ code: 'UNSUPPORTED' });
    });
  });

  it('says PROTOCOL of a blob without a Content-Length', async () => {
    proxy.rules.push({ method: 'HEAD', dropHeaders: ['content-length'] });
    expect(await failureOf(headBlob(open(), 'a/b', digest))).toMatchObject({ code: 'PROTOCOL' });
  });
});

it('reads a manifest that is just being written, which Distribution 2 answers with 500', async () => {
  const { url } = await testRegistry({ version: 2 });
  const { mediaType, digest, size, bytes } = await pushImage(url, 'a/b', 'v1');
  const manifest = { mediaType, digest: digest as Digest, size, bytes };
  const records: (number | undefined)[] = [];
  const reader = testSession(url, {}, { onRequest: ({ status }) => records.push(status) });
  const writer = testSession(url);
  let writing = true;
  const writes = (async () => {
    while (writing) {
      await putManifest(writer, 'a/b', 'v1', manifest);
      // Not oftener: the reader would meet one write after the other.
      await sleep(30);
    }
  })();
  const reads = await Promise.allSettled(
    Array.from({ length: 100 }, async (_, at) => {
      await sleep(at * 10);
      return getManifest(reader, 'a/b', at % 2 === 0 ? 'v1' : digest);
    }),
  );
  writing = false;
  await writes;
  expect(reads.filter(({ status }) => status === 'rejected')).toEqual([]);
  // Else nothing was shown: reads and writes met.
  expect(records).toContain(500);
});
